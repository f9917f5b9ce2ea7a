import { constants } from 'node:fs';
import { access, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { ReswarmError } from '../errors.js';
import { BINFMT_DIR, handlesAarch64, parseBinfmtHandler, type BinfmtHandler } from './binfmt.js';
import { runsAarch64 } from './aarch64-probe.js';
import type { Host } from './host.js';
import { parseOsRelease, type OsRelease } from './host-packages.js';
import { hasPasswdEntry, userName } from './read-facts.js';

/** What there is of this machine, before anybody says whether it is enough. */
export type SystemState = {
  readonly platform: string;
  readonly kernel: string;
  /** Without the leading "v". */
  readonly node: string;
  readonly architecture: string;
  readonly isRoot: boolean;
  readonly user: string;
  /** /etc/passwd has the user. */
  readonly isKnownUser: boolean;
  /** Users and groups that this user namespace has; 65536 of both are the least for a Debian tree. */
  readonly mappedIds: number;
  readonly os: OsRelease;
  /** What a program says to --version; undefined where it is not there. */
  readonly programs: Readonly<Record<ProgramName, string | undefined>>;
  readonly keyring: 'missing' | 'too-old' | 'present';
  readonly binfmt: {
    readonly isMounted: boolean;
    /** An arm64 program was tried and ran; only tried where no handler can be seen. */
    readonly runs: boolean;
    readonly handler?: BinfmtHandler;
    /** QEMU's program for AArch64, if it is there. */
    readonly emulator?: string;
    /** The distribution's own registration line. */
    readonly ownLine?: string;
  };
  readonly subordinateIds: boolean;
  /** Why a sandbox cannot be made; undefined when it can, or when bubblewrap is not there. */
  readonly sandboxFailure?: string;
  readonly cache: {
    readonly path: string;
    readonly isWritable: boolean;
    readonly freeBytes: number;
    /** Of the mount: `noexec` and `nodev` keep programs from running there. */
    readonly mountOptions: readonly string[];
    /** A build has filled it already, so that the next one needs less. */
    readonly isWarm: boolean;
  };
  readonly hasLoopDevices: boolean;
  /** Age of the newest of apt's package lists, by the archive's date; undefined when there are none. */
  readonly packageListAgeMs?: number;
};

const PROGRAMS = {
  mmdebstrap: { args: ['--version'], okExitCodes: [0] },
  bwrap: { args: ['--version'], okExitCodes: [0] },
  'apt-get': { args: ['--version'], okExitCodes: [0] },
  dpkg: { args: ['--version'], okExitCodes: [0] },
  mount: { args: ['--version'], okExitCodes: [0] },
  gpg: { args: ['--version'], okExitCodes: [0] },
  unshare: { args: ['--version'], okExitCodes: [0] },
  flock: { args: ['--version'], okExitCodes: [0] },
  // It has no --version: without arguments it shows its usage and exits with 1.
  newuidmap: { args: [], okExitCodes: [0, 1] },
} as const;

export type ProgramName = keyof typeof PROGRAMS;
const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

/**
 * @param root where the machine's files are looked for; tests put a folder there
 * @param about `presence` asks no program for its version: mmdebstrap alone takes a quarter of a second to answer
 */
export async function readSystemState(
  host: Host,
  root = '/',
  about: 'versions' | 'presence' = 'versions',
): Promise<SystemState> {
  const { facts } = host;
  const isRoot = facts.privilege === 'root';
  const user = userName();
  const programs = about === 'versions' ? await versionsOf(host, PROGRAM_NAMES) : await presenceOf(host, PROGRAM_NAMES);
  const sandboxFailure = programs.bwrap === undefined ? undefined : await trySandbox(host, isRoot);
  const binfmt = await readBinfmt(root);
  const tryProgram = binfmt.handler === undefined && programs.bwrap !== undefined && sandboxFailure === undefined;
  const packageListAgeMs = await ageOfPackageLists(join(root, 'var/lib/apt/lists'));
  return {
    platform: process.platform,
    kernel: release(),
    node: process.versions.node,
    architecture: facts.architecture,
    isRoot,
    user,
    isKnownUser: hasPasswdEntry(),
    mappedIds: await countMappedIds(root),
    os: parseOsRelease((await textOf(join(root, 'etc/os-release'))) ?? ''),
    programs,
    keyring: await readKeyring(root),
    binfmt: { ...binfmt, runs: tryProgram && (await runsAarch64(host)) },
    subordinateIds: await hasSubordinateIds(root, user),
    ...(sandboxFailure === undefined ? {} : { sandboxFailure }),
    cache: await readCache(root, facts.cacheDir),
    hasLoopDevices: (await textOf(join(root, 'proc/devices')))?.includes(' loop\n') ?? false,
    ...(packageListAgeMs === undefined ? {} : { packageListAgeMs }),
  };
}

async function versionsOf(host: Host, names: readonly ProgramName[]): Promise<SystemState['programs']> {
  const versions = await Promise.all(names.map(async (name) => [name, await versionOf(host, name)] as const));
  return Object.fromEntries(versions) as SystemState['programs'];
}

/** `present` for each that the shell would find, in one call. */
async function presenceOf(host: Host, names: readonly ProgramName[]): Promise<SystemState['programs']> {
  const script = 'for name; do command -v "$name" >/dev/null && echo "$name"; done; :';
  const { stdout } = await host.run({ file: 'sh', args: ['-c', script, 'sh', ...names] });
  const found = new Set(stdout.split('\n'));
  const presence = names.map((name) => [name, found.has(name) ? 'present' : undefined] as const);
  return Object.fromEntries(presence) as SystemState['programs'];
}

async function versionOf(host: Host, name: ProgramName): Promise<string | undefined> {
  const { args, okExitCodes } = PROGRAMS[name];
  try {
    const { stdout } = await host.run({ file: name, args }, { okExitCodes });
    return /\d+(?:\.\d+)+\S*/.exec(stdout)?.[0] ?? 'present';
  } catch (error) {
    if (error instanceof ReswarmError && ['command-not-found', 'command-failed'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Only trying tells: containers, AppArmor and sysctls forbid namespaces in many ways. */
async function trySandbox(host: Host, isRoot: boolean): Promise<string | undefined> {
  const sandbox = { root: '/', tmpfs: [] };
  try {
    await host.runIn(sandbox, { file: 'true', args: [] });
    return undefined;
  } catch (error) {
    if (!(error instanceof ReswarmError) || error.code === 'interrupted') throw error;
    return error.details.filter((line) => line !== '').join(' ') || `${error.message}${isRoot ? '' : ' (as a user)'}`;
  }
}

/**
 * Keys that sign trixie's Release file: Debian 12's and 13's automatic signing subkeys. A keyring holds each one's
 * fingerprint, in the signature by which the subkey vouches for its primary key.
 */
const SIGNERS_OF_TRIXIE = ['4cb50190207b4758a3f73a796ed0e7b82643e131', 'b8e5f13176d2a7a75220028078dba3bc47ef2265'].map(
  (fingerprint) => Buffer.from(fingerprint, 'hex'),
);

async function readKeyring(root: string): Promise<SystemState['keyring']> {
  const folder = join(root, 'usr/share/keyrings');
  for (const name of ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp']) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (bytes !== undefined) return SIGNERS_OF_TRIXIE.some((key) => bytes.includes(key)) ? 'present' : 'too-old';
  }
  return 'missing';
}

async function readBinfmt(root: string): Promise<Omit<SystemState['binfmt'], 'runs'>> {
  const folder = join(root, BINFMT_DIR);
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const handlers = await Promise.all(
    names
      .filter((name) => name !== 'register' && name !== 'status')
      .map(async (name) => parseBinfmtHandler(name, (await textOf(join(folder, name))) ?? '')),
  );
  const handler = handlers.find(handlesAarch64);
  const emulator = await firstThere(root, ['/usr/bin/qemu-aarch64-static', '/usr/bin/qemu-aarch64']);
  const ownLine = (await textOf(join(root, 'usr/lib/binfmt.d/qemu-aarch64.conf')))
    ?.split('\n')
    .find((line) => line.startsWith(':'));
  return {
    isMounted: names.includes('register'),
    ...(handler === undefined ? {} : { handler }),
    ...(emulator === undefined ? {} : { emulator }),
    ...(ownLine === undefined ? {} : { ownLine }),
  };
}

/** How many ids from 0 on belong to somebody: a container may have one only, which is root. */
async function countMappedIds(root: string): Promise<number> {
  const maps = await Promise.all(['uid_map', 'gid_map'].map((name) => textOf(join(root, 'proc/self', name))));
  return Math.min(...maps.map(idsFromZero));
}

/** @param map user_namespaces(7): lines of first id inside, first id outside, number; undefined: a kernel without any */
export function idsFromZero(map: string | undefined): number {
  if (map === undefined) return Number.POSITIVE_INFINITY;
  const ranges = map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .sort(([a = 0], [b = 0]) => a - b);
  let end = 0;
  for (const [first = 0, , count = 0] of ranges) if (first <= end) end = Math.max(end, first + count);
  return end;
}

/** By name or by number, as subuid(5) allows. */
async function hasSubordinateIds(root: string, user: string): Promise<boolean> {
  const owners = [user, String(process.getuid?.())];
  const files = await Promise.all(['etc/subuid', 'etc/subgid'].map((path) => textOf(join(root, path))));
  return files.every((text) =>
    (text ?? '').split('\n').some((line) => {
      const [name, , count] = line.split(':');
      return owners.includes(name ?? '') && Number(count) >= 65_536;
    }),
  );
}

async function readCache(root: string, path: string): Promise<SystemState['cache']> {
  let existing = path;
  while (existing !== '/' && !(await isThere(existing))) existing = dirname(existing);
  const isWritable = await access(existing, constants.W_OK).then(
    () => true,
    () => false,
  );
  const { bavail, bsize } = await statfs(existing);
  const mountOptions = mountOptionsOf(existing, (await textOf(join(root, 'proc/mounts'))) ?? '');
  const isWarm = await isThere(join(path, 'v1', 'kernel'));
  return { path, isWritable, freeBytes: bavail * bsize, mountOptions, isWarm };
}

/** Of the mount that holds a path: the one with the longest mount point above it; the last one of equals lies on top. */
export function mountOptionsOf(path: string, mounts: string): readonly string[] {
  let best = { point: '', options: '' };
  for (const line of mounts.split('\n')) {
    const [, escapedPoint = '', , options = ''] = line.split(' ');
    const point = escapedPoint.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const holds = point !== '' && (point === '/' || path === point || path.startsWith(`${point}/`));
    if (holds && point.length >= best.point.length) best = { point, options };
  }
  return best.options.split(',');
}

async function ageOfPackageLists(folder: string): Promise<number | undefined> {
  const lists = (await readdir(folder).catch(() => [])).filter((name) =>
    /_(Packages|InRelease|Release)(\.\w+)?$/.test(name),
  );
  if (!lists.some((name) => name.includes('_Packages'))) return undefined;
  const times = await Promise.all(lists.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return Date.now() - Math.max(...times);
}

async function firstThere(root: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isThere(join(root, path))) return path;
  return undefined;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
