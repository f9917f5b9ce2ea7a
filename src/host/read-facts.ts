import { statSync } from 'node:fs';
import { availableParallelism, userInfo } from 'node:os';
import type { UserInfo } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import type { HostFacts } from './host.js';

const DEBIAN_ARCHITECTURE: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  ia32: 'i386',
};

/** Debian's home for those who have none; bin/run.js sets it for users without an entry too. */
const NO_HOME = '/nonexistent';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `cacheDir` throws UserError `home-unknown` where nothing says where the user's files are: only what uses the store
 * need fail for that.
 *
 * @param environment the process's own, read once by the command that starts everything
 */
export function readHostFacts(environment: Environment): HostFacts {
  return {
    architecture: DEBIAN_ARCHITECTURE[process.arch] ?? process.arch,
    privilege: process.getuid?.() === 0 ? 'root' : 'user-namespace',
    get cacheDir() {
      return join(cacheHome(environment), 'reswarm-os');
    },
    cpus: availableParallelism(),
  };
}

/** Whether /etc/passwd has the user: `newuidmap` gives nobody else subordinate ids. */
export function hasPasswdEntry(): boolean {
  return passwdEntry() !== undefined;
}

/** The user's name; the number of one without an entry in /etc/passwd, as containers run programs. */
export function userName(): string {
  return passwdEntry()?.username ?? String(process.getuid?.() ?? 'unknown');
}

/** By /etc/passwd, whatever HOME says; undefined for a user without an entry. */
function passwdHome(): string | undefined {
  const home = passwdEntry()?.homedir;
  return home?.startsWith('/') === true && home !== NO_HOME ? home : undefined;
}

/** The user's home. Throws UserError `home-unknown` where neither HOME nor /etc/passwd names one. */
export function homeFolder({ HOME: named }: Environment): string {
  // An empty or relative one would put files into the working folder.
  const home = named?.startsWith('/') === true && named !== NO_HOME ? named : passwdHome();
  if (home !== undefined) return home;
  throw new UserError('home-unknown', `User ${userName()} has no home folder`, {
    details: [`HOME is ${named === undefined ? 'not set' : `"${named}"`}, and /etc/passwd names no home`],
    hints: ['Set HOME, or XDG_CACHE_HOME for the store, to a folder that you may write to.'],
  });
}

/** An empty or relative XDG_CACHE_HOME counts as unset, says the XDG Base Directory specification. */
function cacheHome(environment: Environment): string {
  const { XDG_CACHE_HOME: named } = environment;
  if (named?.startsWith('/') === true) return named;
  const home = homeFolder(environment);
  return join(isSudoersHome(home, environment) ? (passwdHome() ?? home) : home, '.cache');
}

/** `sudo -E` keeps HOME: what root makes there, the user could not use or remove afterwards. */
function isSudoersHome(home: string, { SUDO_UID: sudoer }: Environment): boolean {
  if (process.getuid?.() !== 0 || sudoer === undefined || sudoer === '0') return false;
  return statSync(home, { throwIfNoEntry: false })?.uid === Number(sudoer);
}

function passwdEntry(): UserInfo<string> | undefined {
  try {
    return userInfo();
  } catch {
    // A user without an entry: Node throws a SystemError of its own.
    return undefined;
  }
}
