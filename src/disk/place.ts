import { UserError, type Problem } from '../errors.js';
import { MBR_MAX_BYTES } from '../formats/mbr.js';
import { alignUp, formatSize, MiB } from '../model/bytes.js';
import type { PartitionSpec, TableType } from '../model/image-spec.js';
import { placementOrder } from '../model/placement-order.js';

/** What placing needs to know of a partition; it knows no file system. */
export type SizedPartition = Pick<PartitionSpec, 'name' | 'startBytes' | 'grow' | 'logical'> & {
  /** A multiple of the alignment. */
  readonly sizeBytes: number;
};

export type Place = { readonly offsetBytes: number; readonly sizeBytes: number };

export type Places = {
  /** Length of the disk. */
  readonly totalBytes: number;
  /** By the names of the partitions. */
  readonly partitions: ReadonlyMap<string, Place>;
  /** Around the logical partitions of an MBR. */
  readonly extended?: Place;
};

/** The backup of a GPT is 33 sectors at the end of the disk. */
const GPT_BACKUP_BYTES = MiB;

/**
 * Where each partition goes: one after the other, each at a multiple of the alignment or where its `startBytes` says.
 * The one that grows comes last, whatever its number: nothing may be behind it. Throws UserError with all of
 * `partition-overlap` and `partition-too-large`.
 */
export function place(partitions: readonly SizedPartition[], table: TableType, alignmentBytes: number): Places {
  const places = new Map<string, Place>();
  const problems: Problem[] = [];
  let endBytes = alignmentBytes;
  let extended: Place | undefined;
  let before = 'the partition table';

  for (const partition of placementOrder(partitions)) {
    const freeBytes = alignUp(endBytes, alignmentBytes);
    // Each logical partition has its table one alignment before it.
    const earliestBytes = partition.logical ? freeBytes + alignmentBytes : freeBytes;
    const offsetBytes = partition.startBytes === 'auto' ? earliestBytes : partition.startBytes;
    const taken: Place = { offsetBytes, sizeBytes: partition.sizeBytes };
    if (offsetBytes < earliestBytes) problems.push(tooEarly(partition, offsetBytes, earliestBytes, before));
    places.set(partition.name, taken);
    if (endOf(taken) > endBytes) before = partition.name;
    endBytes = Math.max(endBytes, endOf(taken));
    if (partition.logical) {
      const areaBytes = extended?.offsetBytes ?? freeBytes;
      extended = { offsetBytes: areaBytes, sizeBytes: endBytes - areaBytes };
    }
  }

  const totalBytes = table === 'gpt' ? endBytes + GPT_BACKUP_BYTES : endBytes;
  if (table === 'mbr') problems.push(...tooLarge(totalBytes));
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return { totalBytes, partitions: places, ...(extended === undefined ? {} : { extended }) };
}

/** A start that is fixed before the end of what is there already. */
function tooEarly(
  { name, logical }: SizedPartition,
  offsetBytes: number,
  earliestBytes: number,
  before: string,
): Problem {
  const room = logical ? ', with room for the table of a logical partition,' : '';
  return {
    code: 'partition-overlap',
    message: `the ${name} partition begins at ${offsetBytes} bytes; after ${before}${room} the first place is at ${earliestBytes} bytes`,
    hint: `Set the start of ${name} to "auto" or to ${formatSize(earliestBytes)} at least.`,
  };
}

function endOf({ offsetBytes, sizeBytes }: Place): number {
  return offsetBytes + sizeBytes;
}

function tooLarge(endBytes: number): Problem[] {
  if (endBytes <= MBR_MAX_BYTES) return [];
  return [
    {
      code: 'partition-too-large',
      message: `the last partition ends at ${formatSize(endBytes)}; a partition table of type MBR ends at ${formatSize(MBR_MAX_BYTES)}`,
      hint: 'Make the partitions smaller (the one with `grow: true` takes the rest of the card on first boot), or use `table: gpt`.',
    },
  ];
}
