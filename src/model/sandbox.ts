import type { Command } from './command.js';

/** A host path shown at a path inside the sandbox. */
export type Mount = {
  readonly source: string;
  readonly target: string;
  readonly writable?: boolean;
  /** A device that the program may really open, for writing too: without this it is there and of no use. */
  readonly device?: boolean;
};

/**
 * Where a command sees what. Every program that shapes an image runs in one: the host's own programs,
 * libraries and configuration stay out of the result.
 */
export type Sandbox = {
  /** Host path that becomes `/`. */
  readonly root: string;
  readonly rootWritable?: boolean;
  /** In order; a later one may lie on top of an earlier one. */
  readonly mounts?: readonly Mount[];
  /** Paths inside that are empty, in memory and gone afterwards. */
  readonly tmpfs?: readonly string[];
  /** The host's network and name resolution; off unless asked for. */
  readonly network?: boolean;
  /** Working directory inside; `/` by default. */
  readonly cwd?: string;
};

/** How this process may act: as root, or as root of a user namespace with the subordinate ids of /etc/subuid. */
export type Privilege = 'root' | 'user-namespace';

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
  TZ: 'UTC',
} as const;
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;

/**
 * The same command inside the sandbox, through bubblewrap. A private PID namespace and die-with-parent mean
 * that nothing outlives us, whatever kills us; the mount namespace is private too, so nothing stays mounted.
 * The command's environment is the same wherever and by whomever it is run: ENVIRONMENT, its own `env`, and the
 * proxies where it has the network. stdin reaches it too.
 */
export function sandboxed(sandbox: Sandbox, command: Command, privilege: Privilege): Command {
  const args = [
    ...(sandbox.rootWritable === true ? ['--bind', sandbox.root, '/'] : ['--ro-bind', sandbox.root, '/']),
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    ...(sandbox.tmpfs ?? ['/tmp', '/run']).flatMap((path) => ['--tmpfs', path]),
    ...(sandbox.network === true
      ? ['--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf', '--ro-bind-try', '/etc/hosts', '/etc/hosts']
      : ['--unshare-net']),
    ...(sandbox.mounts ?? []).flatMap((mount) => [
      mount.device === true ? '--dev-bind' : mount.writable === true ? '--bind' : '--ro-bind',
      mount.source,
      mount.target,
    ]),
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--die-with-parent',
    '--cap-add',
    'ALL',
    '--chdir',
    command.cwd ?? sandbox.cwd ?? '/',
    ...(sandbox.network === true ? [] : PROXIES.flatMap((name) => ['--unsetenv', name])),
    ...Object.entries({ ...ENVIRONMENT, ...command.env }).flatMap(([name, value]) => ['--setenv', name, value]),
    '--',
    command.file,
    ...command.args,
  ];
  const inner: Command = { file: 'bwrap', args, ...(command.stdin === undefined ? {} : { stdin: command.stdin }) };
  if (privilege === 'root') return inner;
  return {
    ...inner,
    file: 'unshare',
    args: ['--user', '--map-auto', '--map-root-user', '--mount', '--', 'bwrap', ...args],
  };
}
