/** Where programs of the host's architecture were shown to the image's (twin-tree.ts); an amd64 image has its own there. */
const MOUNT_POINTS = ['/lib64', '/usr/lib64', '/usr/lib/x86_64-linux-gnu', '/usr/lib/python3/*-x86_64-linux-gnu.so'];

/**
 * What a build leaves behind and a device must not have, as patterns for `find -path` (where * also matches /).
 * Logs and caches only say how the image was made; keys and seeds must be each device's own.
 */
export function rootfsLeftovers(architecture: string): readonly string[] {
  return [...(architecture === 'amd64' ? [] : MOUNT_POINTS), ...LEFTOVERS];
}

const LEFTOVERS = [
  '/usr/sbin/policy-rc.d',
  '/dev/*',
  '/proc/*',
  '/run/*',
  '/tmp/*',
  '/var/tmp/*',
  // dpkg, apt and debconf
  '/var/lib/dpkg/arch',
  '/var/lib/dpkg/lock*',
  '/var/lib/dpkg/*-old',
  '/var/lib/dpkg/triggers/Lock',
  '/var/cache/debconf/*-old',
  '/var/cache/apt/*.bin',
  '/var/lib/apt/lists/lock',
  '/var/lib/apt/lists/*_*',
  '/etc/*.dpkg-*',
  // for dpkg-shlibdeps, which builds packages
  '/var/lib/dpkg/info/*.symbols',
  '/var/backups/*',
  // copies that useradd and its like make
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/subuid-',
  '/etc/subgid-',
  // caches that hold times and inode numbers of the build
  '/var/cache/ldconfig/aux-cache',
  '/var/cache/man/?*',
  // of what Python imported meanwhile; `python3 -E` does not obey PYTHONDONTWRITEBYTECODE
  '*/__pycache__',
  '*/__pycache__/*',
  // secrets and identities
  '/etc/ssh/ssh_host_*',
  '/var/lib/dbus/machine-id',
  '/var/lib/systemd/random-seed',
  '/root/.rnd',
  '/root/.*_history',
  // logs
  '/var/log/*.log',
  '/var/log/apt/*',
  '/var/log/btmp',
  '/var/log/faillog',
  '/var/log/lastlog',
  '/var/log/wtmp',
];
