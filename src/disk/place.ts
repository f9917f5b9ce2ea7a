import { UserError, type Problem } from '../errors.js';
import { MBR_MAX_BYTES } from '../formats/mbr.js';
import { alignUp, formatSize, MiB } from '../model/bytes.js';
import type { PartitionSpec, TableType } from '../model/image-spec.js';

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

  const put = (partition: SizedPartition, earliestBytes: number): void => {
    const offsetBytes = partition.startBytes === 'auto' ? alignUp(earliestBytes, alignmentBytes) : partition.startBytes;
    const taken: Place = { offsetBytes, sizeBytes: partition.sizeBytes };
    problems.push(...overlaps(partition.name, taken, places));
    places.set(partition.name, taken);
    endBytes = Math.max(endBytes, endOf(taken));
  };
  const putLogical = (): void => {
    const offsetBytes = alignUp(endBytes, alignmentBytes);
    // Each logical partition has its table one alignment before it.
    for (const partition of growingLast(partitions.filter(({ logical }) => logical))) {
      put(partition, alignUp(endBytes, alignmentBytes) + alignmentBytes);
    }
    extended = { offsetBytes, sizeBytes: endBytes - offsetBytes };
  };

  const logicalGrows = partitions.some(({ logical, grow }) => logical && grow);
  const primaries = growingLast(partitions.filter(({ logical }) => !logical));
  const hasLogical = primaries.length < partitions.length;
  for (const partition of primaries) {
    if (hasLogical && partition.grow) putLogical();
    put(partition, endBytes);
  }
  if (hasLogical && (logicalGrows || extended === undefined)) putLogical();

  const totalBytes = table === 'gpt' ? endBytes + GPT_BACKUP_BYTES : endBytes;
  if (table === 'mbr') problems.push(...tooLarge(totalBytes));
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return { totalBytes, partitions: places, ...(extended === undefined ? {} : { extended }) };
}

function growingLast(partitions: readonly SizedPartition[]): readonly SizedPartition[] {
  return [...partitions.filter(({ grow }) => !grow), ...partitions.filter(({ grow }) => grow)];
}

function overlaps(name: string, taken: Place, places: ReadonlyMap<string, Place>): Problem[] {
  return [...places]
    .filter(([, other]) => taken.offsetBytes < endOf(other) && other.offsetBytes < endOf(taken))
    .map(([other, at]) => ({
      code: 'partition-overlap',
      message: `the ${other} partition ends at ${endOf(at)} bytes, the ${name} partition begins at ${taken.offsetBytes}`,
      hint: `Set the start of ${name} to "auto" or to ${formatSize(endOf(at))} at least.`,
    }));
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
