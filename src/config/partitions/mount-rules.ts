import type { Problem } from '../../errors.js';
import type { DiskRule } from './draft-disk.js';
import type { DraftPartition } from './draft-partitions.js';
import { placeOf, ROLE_DEFAULTS, SLOT_BOOT_MOUNT } from './draft-partitions.js';

/** Folders of the system that the root file system itself must show, and those that the kernel and systemd mount. */
const TAKEN = ['bin', 'boot', 'dev', 'etc', 'lib', 'lib64', 'proc', 'run', 'sbin', 'sys', 'usr', 'var'];
/** Nothing may be mounted below these either. */
const TAKEN_WHOLE = ['boot', 'dev', 'proc', 'run', 'sys'];

const mountsArePaths: DiskRule = ({ partitions }) =>
  partitions.flatMap(({ name, mount, at }) => {
    if (mount === undefined || mount === '/' || /^(\/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*)+$/.test(mount)) return [];
    const what = mount.startsWith('/')
      ? 'a plain path: letters, digits, . _ + @ -, without "." and "..", without a slash at its end'
      : 'an absolute path';
    return [invalid(`the mount point "${mount}" of "${name}" must be ${what}`, 'For example /data.', at)];
  });

const systemIsMountedWhereItIsLookedFor: DiskRule = ({ partitions }) =>
  partitions.flatMap(({ name, role, slot, mount, at }) => {
    const place = placeOf(role, slot);
    if (place === undefined || mount === place) return [];
    const why = role === 'root' ? 'the kernel mounts the root there' : place === SLOT_BOOT_MOUNT ? 'the selector has /boot' : 'cloud-init reads the seed there';
    const message = `"${name}" has the role ${role} and must be mounted at ${place}: ${why}`;
    return [invalid(message, `Write mount: ${place}, or leave it out.`, at)];
  });

const dataHidesNothing: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ role, mount }) => role === 'data' && !isPlaceOfMissingRole(mount, partitions))
    .flatMap(({ name, mount, at }) => {
      if (mount === '/') {
        return [invalid(`"${name}" is mounted at /, which belongs to the root partition`, 'For example /data.', at)];
      }
      const [, first = '', ...below] = mount?.split('/') ?? [];
      const isHidden = below.length === 0 ? TAKEN.includes(first) : TAKEN_WHOLE.includes(first);
      if (!isHidden) return [];
      const message = `"${name}" is mounted at ${mount ?? ''}: it would hide what the system has there`;
      return [invalid(message, 'Mount it elsewhere, for example at /data or /var/lib/docker.', at)];
    });

/** A partition that lost the role boot or root keeps its mount point; that the role is missing says it all. */
function isPlaceOfMissingRole(mount: string | undefined, partitions: readonly DraftPartition[]): boolean {
  return (['boot', 'root'] as const).some(
    (role) => mount === ROLE_DEFAULTS[role].mount && partitions.every((one) => one.role !== role),
  );
}

const mountsAreUnique: DiskRule = ({ partitions }) =>
  partitions.flatMap(({ name, mount, at }, index) => {
    const first = partitions.slice(0, index).find((other) => mount !== undefined && other.mount === mount);
    // A second boot or root is refused as such; of two slots one runs.
    if (first === undefined || mount === '/' || mount === '/boot') return [];
    if (first.slot !== undefined && partitions[index]?.slot !== undefined) return [];
    return [
      {
        code: 'partition-mount-twice',
        message: `"${name}" is mounted at ${mount ?? ''}, where "${first.name}" is mounted already`,
        hint: 'Give one of the two another mount point.',
        ...at('mount'),
      },
    ];
  });

function invalid(message: string, hint: string, at: DraftPartition['at']): Problem {
  return { code: 'partition-mount-invalid', message, hint, ...at('mount') };
}

export const MOUNT_RULES: readonly DiskRule[] = [
  mountsArePaths,
  systemIsMountedWhereItIsLookedFor,
  dataHidesNothing,
  mountsAreUnique,
];
