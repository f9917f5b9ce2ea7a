/** One used entry of the four in a master boot record. */
export type MbrPartition = {
  /** 1 to 4, as Linux counts them: mmcblk0p1. */
  readonly number: number;
  /** Type byte: 0x0c is FAT32 (LBA), 0x83 Linux, 0xee a GPT's guard. */
  readonly type: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
};

export type Mbr = {
  /** Eight hex digits; PARTUUID is `<diskId>-<two-digit partition number>`. */
  readonly diskId: string;
  readonly partitions: readonly MbrPartition[];
};

export const MBR_SIZE_BYTES = 512;
const SECTOR_SIZE_BYTES = 512;
const DISK_ID_OFFSET = 440;
const ENTRIES_OFFSET = 446;
const ENTRY_SIZE = 16;
const ENTRY_COUNT = 4;

/** FAT12, FAT16 and FAT32, by cylinders or by blocks, and the EFI system partition, which is a FAT too. */
const FAT_TYPES: ReadonlySet<number> = new Set([0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, 0xef]);

/**
 * Reads the partition table from a disk's first 512 bytes; undefined when they end without the signature 55 AA or
 * are too few. A FAT boot sector has the same signature: its "entries" point nowhere, so look at the partitions too.
 */
export function parseMbr(sector: Uint8Array): Mbr | undefined {
  if (sector.length < MBR_SIZE_BYTES) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, MBR_SIZE_BYTES);
  if (view.getUint8(510) !== 0x55 || view.getUint8(511) !== 0xaa) return undefined;
  const partitions: MbrPartition[] = [];
  for (let index = 0; index < ENTRY_COUNT; index += 1) {
    const entry = ENTRIES_OFFSET + index * ENTRY_SIZE;
    const type = view.getUint8(entry + 4);
    if (type === 0) continue;
    partitions.push({
      number: index + 1,
      type,
      offsetBytes: view.getUint32(entry + 8, true) * SECTOR_SIZE_BYTES,
      sizeBytes: view.getUint32(entry + 12, true) * SECTOR_SIZE_BYTES,
    });
  }
  return { diskId: view.getUint32(DISK_ID_OFFSET, true).toString(16).padStart(8, '0'), partitions };
}

export function isFat(partition: MbrPartition): boolean {
  return FAT_TYPES.has(partition.type);
}

/** Sectors are counted in 32 bits in an MBR. */
export const MBR_MAX_BYTES = 2 ** 32 * 512;
