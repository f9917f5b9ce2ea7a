import type { Command } from '../model/command.js';

/** What the host lacks, by what it is for; each distribution has its own names. */
export type HostPackage =
  'mmdebstrap' | 'bubblewrap' | 'keyring' | 'emulator' | 'apt' | 'uidmap' | 'util-linux' | 'mount' | 'gpg';

/** The lines of /etc/os-release that say which distribution this is (os-release(5)). */
export type OsRelease = Readonly<Record<string, string>>;

export function parseOsRelease(text: string): OsRelease {
  const entries: [string, string][] = [];
  for (const line of text.split('\n')) {
    const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) entries.push([key, unquoted(value)]);
  }
  return Object.fromEntries(entries);
}

export type PackageManager = {
  readonly name: 'apt-get' | 'dnf' | 'pacman' | 'zypper' | 'apk';
  /** Whether the tool runs it itself; it only names the command of one that was never tried. */
  readonly tried: boolean;
  readonly install: (packages: readonly HostPackage[]) => Command;
  readonly refresh?: Command;
};

const NONINTERACTIVE = { DEBIAN_FRONTEND: 'noninteractive' };

/** The package manager of a distribution, or undefined for one we know nothing of. */
export function packageManagerOf(os: OsRelease): PackageManager | undefined {
  const ids = [os.ID ?? '', ...(os.ID_LIKE ?? '').split(' ')];
  if (ids.includes('debian') || ids.includes('ubuntu')) {
    const names = { ...DEBIAN_NAMES, emulator: emulatorPackages(os) };
    return {
      name: 'apt-get',
      tried: true,
      install: (packages) => ({
        file: 'apt-get',
        args: ['install', '--yes', '--no-install-recommends', ...flat(packages, names)],
        env: NONINTERACTIVE,
      }),
      refresh: { file: 'apt-get', args: ['update'], env: NONINTERACTIVE },
    };
  }
  for (const [family, manager] of OTHERS) {
    if (!family.some((id) => ids.includes(id))) continue;
    const { name, args, names } = manager;
    return { name, tried: false, install: (packages) => ({ file: name, args: [...args, ...flat(packages, names)] }) };
  }
  return undefined;
}

type Names = Readonly<Record<HostPackage, readonly string[]>>;

const DEBIAN_NAMES: Omit<Names, 'emulator'> = {
  mmdebstrap: ['mmdebstrap'],
  bubblewrap: ['bubblewrap'],
  keyring: ['debian-archive-keyring'],
  apt: ['apt'],
  uidmap: ['uidmap'],
  'util-linux': ['util-linux'],
  mount: ['mount'],
  gpg: ['gpg'],
};

/** Debian 13 and Ubuntu 25.04 made the static programs the normal ones and moved the registration to a package of its own. */
function emulatorPackages(os: OsRelease): readonly string[] {
  const version = Number(os.VERSION_ID ?? Number.NaN);
  const isOld =
    (os.ID === 'debian' && version < 13) ||
    (os.ID === 'ubuntu' && version < 25) ||
    !['debian', 'ubuntu'].includes(os.ID ?? '');
  return isOld ? ['qemu-user-static'] : ['qemu-user', 'qemu-user-binfmt'];
}

type Other = {
  readonly name: 'dnf' | 'pacman' | 'zypper' | 'apk';
  readonly args: readonly string[];
  readonly names: Names;
};

const OTHERS: readonly (readonly [readonly string[], Other])[] = [
  [
    ['fedora', 'rhel', 'centos'],
    {
      name: 'dnf',
      args: ['install'],
      names: {
        mmdebstrap: ['mmdebstrap'],
        bubblewrap: ['bubblewrap'],
        keyring: ['debian-keyring'],
        emulator: ['qemu-user-static-aarch64'],
        apt: ['apt', 'dpkg'],
        uidmap: ['shadow-utils-subid'],
        'util-linux': ['util-linux'],
        mount: ['util-linux'],
        gpg: ['gnupg2'],
      },
    },
  ],
  [
    ['arch'],
    {
      name: 'pacman',
      args: ['-S', '--needed'],
      names: {
        mmdebstrap: ['mmdebstrap'],
        bubblewrap: ['bubblewrap'],
        keyring: ['debian-archive-keyring'],
        emulator: ['qemu-user-static', 'qemu-user-static-binfmt'],
        apt: ['apt', 'dpkg'],
        uidmap: ['shadow'],
        'util-linux': ['util-linux'],
        mount: ['util-linux'],
        gpg: ['gnupg'],
      },
    },
  ],
  [
    ['suse', 'opensuse'],
    {
      name: 'zypper',
      args: ['install'],
      names: {
        mmdebstrap: ['mmdebstrap'],
        bubblewrap: ['bubblewrap'],
        keyring: ['debian-archive-keyring'],
        emulator: ['qemu-linux-user'],
        apt: ['apt', 'dpkg'],
        uidmap: ['shadow'],
        'util-linux': ['util-linux'],
        mount: ['util-linux'],
        gpg: ['gpg2'],
      },
    },
  ],
  [
    ['alpine'],
    {
      name: 'apk',
      args: ['add'],
      names: {
        mmdebstrap: ['mmdebstrap'],
        bubblewrap: ['bubblewrap'],
        keyring: ['debian-archive-keyring'],
        emulator: ['qemu-aarch64', 'qemu-openrc'],
        apt: ['apt', 'dpkg'],
        uidmap: ['shadow-subids'],
        'util-linux': ['util-linux'],
        mount: ['util-linux'],
        gpg: ['gnupg'],
      },
    },
  ],
];

function flat(packages: readonly HostPackage[], names: Names): readonly string[] {
  return [...new Set(packages.flatMap((name) => names[name]))];
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}
