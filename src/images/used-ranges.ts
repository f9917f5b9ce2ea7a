import type { ByteRange } from '../model/byte-range.js';
import { mergeRanges, shiftRanges } from '../model/byte-range.js';
import { EXT4_SUPERBLOCK, ext4MappedRanges, parseExt4, parseExt4Groups } from '../formats/ext4/ext4-map.js';
import { fat32MappedRanges, parseFat32 } from '../formats/fat/fat32-map.js';
import { MBR_SIZE_BYTES } from '../formats/mbr.js';
import { readPartitionTable } from '../formats/partition-table.js';
import { isExtended } from '../formats/partition-types.js';
import { partitionsEndBytes } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';

/** Code of a boot loader that a PC's firmware would start. */
const BOOT_CODE_BYTES = 440;

/**
 * What has to be written of an image so that everything in it is there: what its file systems say they use, never what
 * happens to be other than zero (zeros that a file system relies on would be left out). A partition whose file system
 * is not FAT32 or ext2/3/4, or whose bitmaps cannot be trusted, counts in full, and so does an image without a
 * partition table. The table itself belongs to it, the records of logical partitions and a GPT's backup too. Throws
 * UserError `partition-table-invalid`.
 */
export async function mappedRanges(read: ReadAt, imageSizeBytes: number): Promise<readonly ByteRange[]> {
  const whole = [{ offsetBytes: 0, sizeBytes: imageSizeBytes }];
  if (imageSizeBytes < MBR_SIZE_BYTES) return whole;
  const table = await readPartitionTable(read, imageSizeBytes);
  const partitions = (table?.partitions ?? []).filter((partition) => !isExtended(partition));
  const first = Math.min(...partitions.map(({ offsetBytes }) => offsetBytes));
  if (table === undefined || partitions.length === 0 || first < MBR_SIZE_BYTES) return whole;
  if (partitionsEndBytes(table) > imageSizeBytes) return whole;

  const code = await read(0, BOOT_CODE_BYTES);
  const hasBootLoader = code.some((byte) => byte !== 0);
  // Such a loader keeps its second part in the gap before the first partition.
  const ranges: ByteRange[] = [...table.ownRanges, ...(hasBootLoader ? [{ offsetBytes: 0, sizeBytes: first }] : [])];
  for (const { offsetBytes, sizeBytes } of partitions) {
    const readHere: ReadAt = (offset, size) => read(offsetBytes + offset, size);
    ranges.push(...shiftRanges(await partitionRanges(readHere, sizeBytes), offsetBytes));
  }
  return mergeRanges(ranges.map((range) => withinImage(range, imageSizeBytes)));
}

/** A GPT's backup is missing where an image was cut after its last partition. */
function withinImage({ offsetBytes, sizeBytes }: ByteRange, imageSizeBytes: number): ByteRange {
  return { offsetBytes, sizeBytes: Math.max(0, Math.min(sizeBytes, imageSizeBytes - offsetBytes)) };
}

async function partitionRanges(read: ReadAt, sizeBytes: number): Promise<readonly ByteRange[]> {
  const known = (await fat32Ranges(read, sizeBytes)) ?? (await ext4Ranges(read, sizeBytes));
  return known ?? [{ offsetBytes: 0, sizeBytes }];
}

async function fat32Ranges(read: ReadAt, sizeBytes: number): Promise<readonly ByteRange[] | undefined> {
  if (sizeBytes < MBR_SIZE_BYTES) return undefined;
  const layout = parseFat32(await read(0, MBR_SIZE_BYTES), sizeBytes);
  return layout && fat32MappedRanges(layout, await read(layout.fat.offsetBytes, layout.fat.sizeBytes));
}

async function ext4Ranges(read: ReadAt, sizeBytes: number): Promise<readonly ByteRange[] | undefined> {
  const { offsetBytes, sizeBytes: superblockBytes } = EXT4_SUPERBLOCK;
  if (sizeBytes < offsetBytes + superblockBytes) return undefined;
  const layout = parseExt4(await read(offsetBytes, superblockBytes), sizeBytes);
  if (layout === undefined) return undefined;
  const { descriptors, blockBytes } = layout;
  if (descriptors.offsetBytes + descriptors.sizeBytes > sizeBytes) return undefined;
  const groups = parseExt4Groups(layout, await read(descriptors.offsetBytes, descriptors.sizeBytes));
  if (groups === undefined) return undefined;
  const bitmaps: (Uint8Array | undefined)[] = [];
  for (const { blockBitmap, isBitmapUnset } of groups) {
    bitmaps.push(isBitmapUnset ? undefined : await read(blockBitmap * blockBytes, blockBytes));
  }
  return ext4MappedRanges(layout, groups, bitmaps);
}
