import type { ByteRange } from '../model/byte-range.js';
import { endOf, mergeRanges, shiftRanges } from '../model/byte-range.js';
import { usedRanges } from '../formats/file-systems.js';
import { MBR_SIZE_BYTES } from '../formats/mbr.js';
import { readPartitionTable } from '../formats/partition-table.js';
import { isExtended } from '../formats/partition-types.js';
import { KiB, MiB } from '../model/bytes.js';
import { partitionsEndBytes } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import { isZero } from '../model/zeros.js';

/** Code of a boot loader that a PC's firmware would start. */
const BOOT_CODE_BYTES = 440;

/**
 * What has to be written of an image so that everything in it is there: what its file systems say they use, never what
 * happens to be other than zero (zeros that a file system relies on would be left out). A partition whose file system
 * is not FAT or ext2/3/4, or whose bitmaps cannot be trusted, or that has something behind its file system (the
 * hashes of dm-verity cover free blocks too), counts in full, and so does an image without a
 * partition table. The table's own bytes count, the records of logical partitions and a GPT's backup too. Between, before and
 * behind the partitions counts what is not zero: boot loaders, their environments, data of a maker's own.
 *
 * Reads forwards, as far as the partitions come in the order of their places and none is a logical one. Throws UserError
 * `partition-table-invalid`.
 */
export async function mappedRanges(read: ReadAt, imageSizeBytes: number): Promise<readonly ByteRange[]> {
  const whole = [{ offsetBytes: 0, sizeBytes: imageSizeBytes }];
  if (imageSizeBytes < MBR_SIZE_BYTES) return whole;
  const table = await readPartitionTable(read, imageSizeBytes);
  const partitions = (table?.partitions ?? [])
    .filter((partition) => !isExtended(partition))
    .toSorted((a, b) => a.offsetBytes - b.offsetBytes);
  const first = partitions[0]?.offsetBytes ?? 0;
  if (table === undefined || first < MBR_SIZE_BYTES || partitionsEndBytes(table) > imageSizeBytes) return whole;

  const code = await read(0, BOOT_CODE_BYTES);
  const hasBootLoader = code.some((byte) => byte !== 0);
  // Such a loader keeps its second part in the gap before the first partition.
  const ranges: ByteRange[] = [...table.ownRanges, ...(hasBootLoader ? [{ offsetBytes: 0, sizeBytes: first }] : [])];
  let position = MBR_SIZE_BYTES;
  for (const { offsetBytes, sizeBytes } of partitions) {
    ranges.push(...(await dataIn(read, position, offsetBytes)));
    const readHere: ReadAt = (offset, size) => read(offsetBytes + offset, size);
    ranges.push(...shiftRanges(await partitionRanges(readHere, sizeBytes), offsetBytes));
    position = Math.max(position, offsetBytes + sizeBytes);
  }
  ranges.push(...(await dataIn(read, position, imageSizeBytes)));
  return mergeRanges(ranges.map((range) => withinImage(range, imageSizeBytes)));
}

/** A GPT's backup is missing where an image was cut after its last partition. */
function withinImage(range: ByteRange, imageSizeBytes: number): ByteRange {
  return { ...range, sizeBytes: Math.max(0, Math.min(endOf(range), imageSizeBytes) - range.offsetBytes) };
}

/** What belongs to no partition, from the disk's beginning to its end. */
export function rangesBetween(partitions: readonly ByteRange[], imageSizeBytes: number): readonly ByteRange[] {
  const gaps: ByteRange[] = [];
  let position = 0;
  for (const { offsetBytes, sizeBytes } of partitions.toSorted((a, b) => a.offsetBytes - b.offsetBytes)) {
    if (offsetBytes > position) gaps.push({ offsetBytes: position, sizeBytes: offsetBytes - position });
    position = Math.max(position, offsetBytes + sizeBytes);
  }
  if (imageSizeBytes > position) gaps.push({ offsetBytes: position, sizeBytes: imageSizeBytes - position });
  return gaps;
}

const PAGE_BYTES = 4 * KiB;

/** The pages in a part of the image that hold anything but zeros. */
async function dataIn(read: ReadAt, from: number, until: number): Promise<readonly ByteRange[]> {
  const ranges: ByteRange[] = [];
  for (let position = from; position < until;) {
    // Up to where the pages of the disk begin.
    const next = Math.min(until, Math.floor(position / MiB) * MiB + MiB);
    const bytes = await read(position, next - position);
    for (let at = 0; at < bytes.length;) {
      const page = bytes.subarray(at, at + PAGE_BYTES - ((position + at) % PAGE_BYTES));
      if (!isZero(page)) ranges.push({ offsetBytes: position + at, sizeBytes: page.length });
      at += page.length;
    }
    position = next;
  }
  return mergeRanges(ranges);
}

async function partitionRanges(read: ReadAt, sizeBytes: number): Promise<readonly ByteRange[]> {
  const whole = [{ offsetBytes: 0, sizeBytes }];
  const used = await usedRanges(read, sizeBytes);
  if (used === undefined) return whole;
  return (await dataIn(read, used.endBytes, sizeBytes)).length === 0 ? used.ranges : whole;
}
