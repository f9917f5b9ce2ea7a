import type { ByteRange } from './byte-range.js';
import { endOf } from './byte-range.js';

/** One used entry of a partition table. */
export type Partition = ByteRange & {
  /** As Linux counts them: mmcblk0p1. Logical partitions of an MBR begin at 5. */
  readonly number: number;
  /** MBR: the type byte (0x0c is FAT32); GPT: the type's GUID, in lower case. */
  readonly type: number | string;
  /** The type in words: "Linux filesystem". */
  readonly typeName: string;
  /** MBR: the active one; GPT: a PC's old firmware may start it. */
  readonly bootable: boolean;
  /** As `root=PARTUUID=` and fstab name it, in lower case. */
  readonly partUuid: string;
  /** GPT: the name that `root=PARTLABEL=` goes by; undefined where it has none. */
  readonly name?: string;
};

/** What a disk says of its division. */
export type PartitionTable = {
  readonly scheme: 'mbr' | 'gpt';
  /** MBR: eight hex digits, the partitions' PARTUUIDs begin with it. GPT: the disk's GUID, in lower case. */
  readonly diskId: string;
  /** The unit that the table counts in. */
  readonly sectorSizeBytes: number;
  /** By number. An extended partition is one of them, and so are the logical ones in it. */
  readonly partitions: readonly Partition[];
  /** Where the table's own bytes are: they belong on a copy of the disk too. */
  readonly ownRanges: readonly ByteRange[];
  /** What is wrong with it and does not stop anybody, in sentences. */
  readonly warnings: readonly string[];
};

/** Where the last partition ends; a disk that is shorter was not copied to its end. */
export function partitionsEndBytes({ partitions }: Pick<PartitionTable, 'partitions'>): number {
  return Math.max(0, ...partitions.map(endOf));
}
