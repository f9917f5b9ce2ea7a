import type { ByteRange } from '../model/byte-range.js';
import { mergeRanges, shiftRanges } from '../model/byte-range.js';
import { usedRanges } from '../formats/file-systems.js';
import { MBR_SIZE_BYTES, parseMbr } from '../formats/mbr.js';

/** Gives `sizeBytes` bytes of an image from `offsetBytes` on. */
export type ReadAt = (offsetBytes: number, sizeBytes: number) => Promise<Uint8Array>;

/** A GPT has tables of its own at both ends of the disk; a partition entry of this type says so. */
const GPT_GUARD = 0xee;
/** Code of a boot loader that a PC's firmware would start. */
const BOOT_CODE_BYTES = 440;

/**
 * What has to be written of an image so that everything in it is there: what its file systems say they use, never what
 * happens to be other than zero (zeros that a file system relies on would be left out). A partition whose file system
 * is not FAT or ext2/3/4, or whose bitmaps cannot be trusted, counts in full, and so does an image without an MBR.
 */
export async function mappedRanges(read: ReadAt, imageSizeBytes: number): Promise<readonly ByteRange[]> {
  const whole = [{ offsetBytes: 0, sizeBytes: imageSizeBytes }];
  if (imageSizeBytes < MBR_SIZE_BYTES) return whole;
  const sector = await read(0, MBR_SIZE_BYTES);
  const partitions = parseMbr(sector)?.partitions ?? [];
  const first = Math.min(...partitions.map(({ offsetBytes }) => offsetBytes));
  const end = Math.max(...partitions.map(({ offsetBytes, sizeBytes }) => offsetBytes + sizeBytes));
  if (partitions.length === 0 || first < MBR_SIZE_BYTES || end > imageSizeBytes) return whole;
  if (partitions.some(({ type }) => type === GPT_GUARD)) return whole;

  const hasBootLoader = sector.subarray(0, BOOT_CODE_BYTES).some((byte) => byte !== 0);
  // Such a loader keeps its second part in the gap before the first partition.
  const ranges: ByteRange[] = [{ offsetBytes: 0, sizeBytes: hasBootLoader ? first : MBR_SIZE_BYTES }];
  for (const { offsetBytes, sizeBytes } of partitions) {
    const readHere: ReadAt = (offset, size) => read(offsetBytes + offset, size);
    ranges.push(...shiftRanges(await partitionRanges(readHere, sizeBytes), offsetBytes));
  }
  return mergeRanges(ranges);
}

async function partitionRanges(read: ReadAt, sizeBytes: number): Promise<readonly ByteRange[]> {
  return (await usedRanges(read, sizeBytes)) ?? [{ offsetBytes: 0, sizeBytes }];
}
