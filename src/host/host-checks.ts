import { formatSize, GiB } from '../model/bytes.js';
import { worksInChroot } from './binfmt.js';
import type { HostPackage } from './host-packages.js';
import type { ProgramName, SystemState } from './system-state.js';

/** One thing that a build needs of the host, and whether it is there. */
export type HostCheck = {
  /** Stable, kebab-case: `mmdebstrap`, `binfmt`, `free-space`. */
  readonly id: string;
  readonly title: string;
  readonly status: 'found' | 'missing' | 'not-needed' | 'optional';
  /** What was found, with its version, or what is wrong with it. */
  readonly detail: string;
  /** What to do, where no package helps. */
  readonly hint?: string;
  /** What to install. */
  readonly packages?: readonly HostPackage[];
};

const MINIMUM_NODE = '20.19.0';
/** Measured: tools 0.6, kernel source and objects 2.1, root file system 1.2, downloads 0.6, image 0.5 GiB. */
const COLD_BUILD_BYTES = 6 * GiB;
const WARM_BUILD_BYTES = 2 * GiB;

/** Every requirement of a build, in the order in which a person would mend them. */
export function checkSystem(state: SystemState): readonly HostCheck[] {
  return [
    linux(state),
    node(state),
    program(state, 'mmdebstrap', 'mmdebstrap', 'makes Debian trees', ['mmdebstrap']),
    program(state, 'bwrap', 'bubblewrap', 'runs every program of a build in a sandbox', ['bubblewrap']),
    program(state, 'unshare', 'unshare', 'gives a build its own namespaces', ['util-linux']),
    program(state, 'flock', 'flock', 'keeps builds that share a store apart', ['util-linux']),
    program(state, 'mount', 'mount', 'mmdebstrap prepares trees with it', ['mount']),
    program(state, 'gpg', 'gpg', "mmdebstrap finds the archive's keys with it", ['gpg']),
    program(state, 'apt-get', 'apt', 'mmdebstrap resolves packages with it', ['apt']),
    program(state, 'dpkg', 'dpkg', 'mmdebstrap unpacks packages with it', ['apt']),
    keyring(state),
    userNamespaces(state),
    sandbox(state),
    emulation(state),
    cache(state),
    freeSpace(state),
    loopDevices(state),
  ];
}

export function isReady(checks: readonly HostCheck[]): boolean {
  return checks.every(({ status }) => status !== 'missing');
}

function linux({ platform, kernel }: SystemState): HostCheck {
  const base = { id: 'linux', title: 'Linux' };
  if (platform === 'linux') return { ...base, status: 'found', detail: kernel };
  return {
    ...base,
    status: 'missing',
    detail: `this is ${platform}`,
    hint: 'Build on Linux, or in a Linux virtual machine.',
  };
}

function node({ node: version }: SystemState): HostCheck {
  const base = { id: 'node', title: 'Node.js' };
  if (compareVersions(version, MINIMUM_NODE) >= 0) return { ...base, status: 'found', detail: version };
  return {
    ...base,
    status: 'missing',
    detail: `${version} is too old: ${MINIMUM_NODE} or later is needed`,
    hint: 'Install a newer Node.js: https://nodejs.org/en/download',
  };
}

function program(
  { programs }: SystemState,
  name: ProgramName,
  title: string,
  purpose: string,
  packages: readonly HostPackage[],
): HostCheck {
  const version = programs[name];
  const base = { id: title, title };
  if (version !== undefined) return { ...base, status: 'found', detail: version };
  return { ...base, status: 'missing', detail: `not there; ${purpose}`, packages };
}

function keyring({ keyring: state }: SystemState): HostCheck {
  const base = { id: 'debian-keyring', title: 'Debian keyring' };
  switch (state) {
    case 'present':
      return { ...base, status: 'found', detail: "has the keys that sign Debian's trixie" };
    case 'too-old':
      return {
        ...base,
        status: 'missing',
        detail: "too old: it has none of the keys that sign Debian's trixie",
        hint: 'Debian 12 and Ubuntu 24.04 and later have a new enough one.',
        packages: ['keyring'],
      };
    case 'missing':
      return {
        ...base,
        status: 'missing',
        detail: "not there; the archive's signature is checked with it",
        packages: ['keyring'],
      };
  }
}

/** Root in the image, `nobody` (65534) and all between them own files of Debian packages. */
const NEEDED_IDS = 65_535;

function userNamespaces(state: SystemState): HostCheck {
  const base = { id: 'user-namespaces', title: 'User namespaces' };
  const { isRoot, user, isKnownUser, mappedIds, programs, subordinateIds } = state;
  if (isRoot && mappedIds < NEEDED_IDS) {
    return {
      ...base,
      status: 'missing',
      detail: `you are root of a user namespace with ${mappedIds} ${mappedIds === 1 ? 'id' : 'ids'}; files of packages belong to others too`,
      hint: 'Start the container with 65536 ids (podman: /etc/subuid, docker: no userns-remap of fewer), `unshare` with --map-auto.',
    };
  }
  if (isRoot) return { ...base, status: 'not-needed', detail: 'you are root' };
  if (!isKnownUser) {
    return {
      ...base,
      status: 'missing',
      detail: `user ${user} has no entry in /etc/passwd, so that newuidmap gives it no ids`,
      hint: 'Run as a user that has one, or as root (docker run --user 0).',
    };
  }
  if (programs.newuidmap === undefined) {
    return {
      ...base,
      status: 'missing',
      detail: 'newuidmap is not there; a build without root needs it',
      packages: ['uidmap'],
    };
  }
  if (!subordinateIds) {
    return {
      ...base,
      status: 'missing',
      detail: `/etc/subuid and /etc/subgid give ${user} no 65536 ids`,
      hint: `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}`,
    };
  }
  return { ...base, status: 'found', detail: `newuidmap, and 65536 ids for ${user}` };
}

function sandbox({ isRoot, programs, sandboxFailure }: SystemState): HostCheck {
  const base = { id: 'sandbox', title: 'Sandbox' };
  // What is missing for it is named above; nothing more can be said before it is there.
  if (programs.bwrap === undefined)
    return { ...base, status: 'optional', detail: 'not tried: bubblewrap is not there' };
  if (sandboxFailure === undefined) return { ...base, status: 'found', detail: 'bubblewrap made one' };
  return {
    ...base,
    status: 'missing',
    detail: `bubblewrap could not make one: ${sandboxFailure}`,
    hint: isRoot
      ? 'In a container: start it with --privileged, or build on the host itself.'
      : 'Build as root, or allow user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, user.max_user_namespaces elsewhere).',
  };
}

function emulation({ architecture, binfmt }: SystemState): HostCheck {
  const base = { id: 'binfmt', title: 'arm64 programs' };
  if (architecture === 'arm64') return { ...base, status: 'not-needed', detail: 'this machine runs them itself' };
  const { handler, emulator, isMounted, runs } = binfmt;
  if (runs) return { ...base, status: 'found', detail: 'the kernel runs them' };
  if (handler !== undefined && worksInChroot(handler)) {
    return { ...base, status: 'found', detail: `${handler.interpreter} (${handler.name}, flags ${handler.flags})` };
  }
  if (emulator === undefined) {
    return { ...base, status: 'missing', detail: 'no QEMU that runs them', packages: ['emulator'] };
  }
  const problem =
    handler !== undefined
      ? `${handler.name} is registered without the F flag, so it is not found inside a tree`
      : isMounted
        ? `${emulator} is there, but not registered with the kernel`
        : `${emulator} is there, but binfmt_misc is not mounted to register it`;
  return { ...base, status: 'missing', detail: problem };
}

function cache({ cache: { path, isWritable, mountOptions } }: SystemState): HostCheck {
  const base = { id: 'store', title: 'Store' };
  const elsewhere = 'Set XDG_CACHE_HOME to a folder that is.';
  if (!isWritable) return { ...base, status: 'missing', detail: `${path} is not writable`, hint: elsewhere };
  const bad = mountOptions.filter((option) => option === 'noexec' || option === 'nodev');
  if (bad.length === 0) return { ...base, status: 'found', detail: `${path} is writable` };
  return {
    ...base,
    status: 'missing',
    detail: `${path} lies on a file system mounted ${bad.join(',')}: the tools could not run from there`,
    hint: 'Set XDG_CACHE_HOME to a folder on another file system.',
  };
}

function freeSpace({ cache: { path, freeBytes, isWarm } }: SystemState): HostCheck {
  const base = { id: 'free-space', title: 'Free space' };
  const needed = isWarm ? WARM_BUILD_BYTES : COLD_BUILD_BYTES;
  const detail = `${formatSize(freeBytes)} for ${path}`;
  if (freeBytes >= needed) return { ...base, status: 'found', detail };
  return {
    ...base,
    status: 'missing',
    detail: `${detail}; a build needs up to ${formatSize(needed)}`,
    hint: 'Make room (`reswarm-os cache prune`), or set XDG_CACHE_HOME to a folder on a larger disk.',
  };
}

function loopDevices({ hasLoopDevices }: SystemState): HostCheck {
  const base = { id: 'loop-devices', title: 'Loop devices' };
  if (hasLoopDevices) return { ...base, status: 'found', detail: 'the kernel has them' };
  return { ...base, status: 'optional', detail: 'none; image files are made without them' };
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map((part) => parseInt(part, 10)));
  for (const [index, part] of (left ?? []).entries()) {
    const difference = part - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
