import { MiB, formatSize } from '../../model/bytes.js';
import { GROWING_FILE_SYSTEMS } from '../../model/image-spec.js';
import type { DiskRule } from './draft-disk.js';
import type { DraftPartition } from './draft-partitions.js';

/**
 * What a root that never grows must have free: Linux keeps 2 % of the blocks back for its delayed allocations, and the
 * first boot writes host keys, journal and cloud-init's state.
 */
const LEAST_ROOM_BYTES = 64 * MiB;

const onePartitionGrows: DiskRule = ({ partitions }) => {
  const [first, ...others] = partitions.filter(({ grow }) => grow);
  return others.map(({ name, at }) => ({
    code: 'partition-grow-twice',
    message: `"${name}" grows on first boot, and "${first?.name ?? ''}" does: only one can take what is left of the drive`,
    hint: 'Keep grow: true at one of them.',
    ...at('grow'),
  }));
};

const growingFileSystemGrows: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ grow, fs }) => grow && !GROWING_FILE_SYSTEMS.includes(fs))
    .map(({ name, fs, at }) => ({
      code: 'partition-cannot-grow',
      message: `"${name}" grows on first boot, and its file system ${fs} cannot grow while it is mounted`,
      hint: `Choose ${GROWING_FILE_SYSTEMS.join(' or ')}, or let another partition grow.`,
      ...at('grow'),
    }));

const growingPartitionIsWritable: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ grow, fs, readOnly }) => grow && readOnly && GROWING_FILE_SYSTEMS.includes(fs))
    .map(({ name, at }) => ({
      code: 'partition-cannot-grow',
      message: `"${name}" grows on first boot, and a file system that is mounted read-only cannot grow`,
      hint: 'Remove readOnly, or let another partition grow.',
      ...at('readOnly'),
    }));

/** A partition that begins behind one that grows, where both places are fixed. */
export function nextFixed(
  { grow, startBytes }: DraftPartition,
  partitions: readonly DraftPartition[],
): (DraftPartition & { readonly startBytes: number }) | undefined {
  if (!grow || startBytes === 'auto') return undefined;
  return partitions.find(
    (other): other is DraftPartition & { startBytes: number } =>
      other.startBytes !== 'auto' && other.startBytes > startBytes,
  );
}

const nothingIsAfterTheGrowing: DiskRule = ({ partitions }) =>
  partitions.flatMap((one) => {
    const after = nextFixed(one, partitions);
    if (after === undefined) return [];
    return [
      {
        code: 'partition-cannot-grow',
        message: `"${one.name}" grows on first boot and begins before "${after.name}", which begins at ${formatSize(after.startBytes)}`,
        hint: 'Use "start: auto" for the one that grows: it is placed after all others.',
        ...one.at('start'),
      },
    ];
  });

/** Logical partitions are numbered in the order of their places. */
const growingLogicalIsLast: DiskRule = ({ partitions }) => {
  const logical = partitions.filter((one) => one.logical);
  return logical
    .filter(({ grow }, index) => grow && index < logical.length - 1)
    .map(({ name, at }) => ({
      code: 'partition-cannot-grow',
      message: `"${name}" grows on first boot and is not the last logical partition: "${logical.at(-1)?.name ?? ''}" is`,
      hint: 'Put it at the end of the list.',
      ...at('grow'),
    }));
};

const rootHasRoom: DiskRule = ({ partitions }) => {
  const growing = partitions.find(({ grow }) => grow);
  // A second root is refused as such.
  return partitions
    .filter(({ role }) => role === 'root')
    .slice(0, 1)
    // A share of a Debian's content is more.
    .filter(({ grow, headroomBytes, headroomShare }) => !grow && headroomBytes < LEAST_ROOM_BYTES && headroomShare === 0)
    .map(({ name, headroomBytes, said, at }) => {
      const because = growing === undefined ? 'does not grow' : `does not grow, because "${growing.name}" does`;
      const stated = said.headroom === undefined ? 'by default' : 'as headroom';
      return {
        code: 'root-without-room',
        message:
          `"${name}" ${because}, and has ${formatSize(headroomBytes)} free beside its content ${stated}; ` +
          `it needs ${formatSize(LEAST_ROOM_BYTES)}, ${formatSize(LEAST_ROOM_BYTES - headroomBytes)} more`,
        hint: `Add headroom: 64M or more to "${name}": with 8 MiB, ssh and logind fail on the first boot.`,
        ...(growing?.at ?? at)('grow'),
      };
    });
};

export const GROW_RULES: readonly DiskRule[] = [
  onePartitionGrows,
  growingFileSystemGrows,
  growingPartitionIsWritable,
  nothingIsAfterTheGrowing,
  growingLogicalIsLast,
  rootHasRoom,
];
