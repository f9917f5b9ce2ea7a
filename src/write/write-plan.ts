import { alignUp, KiB, MiB } from '../model/bytes.js';
import type { ByteRange } from '../model/byte-range.js';
import { isFat } from '../formats/partition-types.js';
import type { Partition } from '../model/partition-table.js';

/**
 * What a card gets of an image, and in which order: the blocks, which are all that a file system or a map calls used,
 * and the boot-critical ranges, without which nothing looks bootable: they come last, the partition table as the very last.
 */
export type WritePlan = {
  readonly imageSizeBytes: number;
  /** What the card must hold: the image's size in whole sectors. */
  readonly cardSizeBytes: number;
  /** Ascending, apart from each other; none is larger than BLOCK_BYTES. */
  readonly blocks: readonly ByteRange[];
  /** Boot sectors of FAT partitions, then the range that holds the partition table. */
  readonly bootCritical: readonly ByteRange[];
  /** Blocks and boot-critical ranges together. */
  readonly writtenBytes: number;
  /**
   * How long the image is shows at its end: until then the sizes above are those of the smallest card, and all of it
   * is written. It must have `neededBytes`, or it was cut off.
   */
  readonly openEnd?: { readonly neededBytes: number; readonly sectorSizeBytes: number };
};

/** One write. SD cards gain nothing from more (measured on eMMC: 512 KiB to 16 MiB take the same time). */
export const BLOCK_BYTES = MiB;
/** Holes smaller than this are written with what lies around them: a write of its own would cost more. */
const SMALL_HOLE_BYTES = 16 * KiB;
/** The unit of the plan; O_DIRECT wants whole sectors, and cards have pages of this size at least. */
const PAGE_BYTES = 4 * KiB;
const SECTOR_BYTES = 512;
/** A FAT's boot sector, its FSInfo and the boot sector's copy (sector 6). */
const FAT_HEAD_BYTES = 8 * SECTOR_BYTES;

/** @param mapped ranges of the image that matter, in any order */
export function planWrite(image: {
  readonly sizeBytes: number;
  /** Default: 512. */
  readonly sectorSizeBytes?: number;
  readonly mapped: readonly ByteRange[];
  readonly partitions: readonly Pick<Partition, 'type' | 'offsetBytes'>[];
}): WritePlan {
  const sectorSizeBytes = image.sectorSizeBytes ?? SECTOR_BYTES;
  const cardSizeBytes = alignUp(image.sizeBytes, sectorSizeBytes);
  const bootCritical = bootCriticalRanges(image.partitions, cardSizeBytes);
  const wanted = joinNear(image.mapped.map((range) => wholePages(range, cardSizeBytes)));
  const blocks = without(wanted, [...bootCritical].sort(byOffset)).flatMap(cut);
  return {
    imageSizeBytes: image.sizeBytes,
    cardSizeBytes,
    blocks,
    bootCritical,
    writtenBytes: totalOf(blocks) + totalOf(bootCritical),
  };
}

/** A plan for an image whose size nobody knows yet. */
export function planOpenWrite(image: {
  readonly mostBytes: number;
  readonly neededBytes: number;
  readonly sectorSizeBytes: number;
  readonly partitions: readonly Pick<Partition, 'type' | 'offsetBytes'>[];
}): WritePlan {
  const { mostBytes: sizeBytes, neededBytes, sectorSizeBytes, partitions } = image;
  const plan = planWrite({ sizeBytes, sectorSizeBytes, mapped: [{ offsetBytes: 0, sizeBytes }], partitions });
  return { ...plan, openEnd: { neededBytes, sectorSizeBytes } };
}

/** The same plan when its image has shown its end: the numbers of its blocks stay. */
export function closePlan(plan: WritePlan, imageSizeBytes: number): WritePlan {
  const { openEnd, bootCritical, ...rest } = plan;
  const cardSizeBytes = alignUp(imageSizeBytes, openEnd?.sectorSizeBytes ?? SECTOR_BYTES);
  const blocks = plan.blocks
    .filter(({ offsetBytes }) => offsetBytes < cardSizeBytes)
    .map((block) => ({ ...block, sizeBytes: Math.min(block.sizeBytes, cardSizeBytes - block.offsetBytes) }));
  const writtenBytes = totalOf(blocks) + totalOf(bootCritical);
  return { ...rest, bootCritical, imageSizeBytes, cardSizeBytes, blocks, writtenBytes };
}

function bootCriticalRanges(
  partitions: readonly Pick<Partition, 'type' | 'offsetBytes'>[],
  cardSizeBytes: number,
): readonly ByteRange[] {
  const table = { offsetBytes: 0, sizeBytes: Math.min(PAGE_BYTES, cardSizeBytes) };
  const heads = partitions
    .filter((partition) => isFat(partition) && partition.offsetBytes >= PAGE_BYTES)
    .filter(({ offsetBytes }) => offsetBytes + FAT_HEAD_BYTES <= cardSizeBytes)
    .map(({ offsetBytes }) => ({ offsetBytes, sizeBytes: FAT_HEAD_BYTES }));
  return [...heads, table];
}

function wholePages({ offsetBytes, sizeBytes }: ByteRange, limitBytes: number): ByteRange {
  const start = Math.floor(offsetBytes / PAGE_BYTES) * PAGE_BYTES;
  const end = Math.min(alignUp(offsetBytes + sizeBytes, PAGE_BYTES), limitBytes);
  return { offsetBytes: start, sizeBytes: Math.max(0, end - start) };
}

function joinNear(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: { offsetBytes: number; sizeBytes: number }[] = [];
  for (const { offsetBytes, sizeBytes } of ranges.filter((range) => range.sizeBytes > 0).sort(byOffset)) {
    const last = joined.at(-1);
    if (last !== undefined && offsetBytes - endOf(last) < SMALL_HOLE_BYTES) {
      last.sizeBytes = Math.max(endOf(last), offsetBytes + sizeBytes) - last.offsetBytes;
    } else joined.push({ offsetBytes, sizeBytes });
  }
  return joined;
}

/** @param holes ascending */
function without(ranges: readonly ByteRange[], holes: readonly ByteRange[]): readonly ByteRange[] {
  return ranges.flatMap((range) => {
    const parts: ByteRange[] = [];
    let from = range.offsetBytes;
    const end = endOf(range);
    for (const hole of holes) {
      if (endOf(hole) <= from || hole.offsetBytes >= end) continue;
      if (hole.offsetBytes > from) parts.push({ offsetBytes: from, sizeBytes: hole.offsetBytes - from });
      from = Math.min(end, endOf(hole));
    }
    if (from < end) parts.push({ offsetBytes: from, sizeBytes: end - from });
    return parts;
  });
}

/** At multiples of the block size: cards write in units that begin there. */
function cut(range: ByteRange): readonly ByteRange[] {
  const blocks: ByteRange[] = [];
  for (let offsetBytes = range.offsetBytes; offsetBytes < endOf(range);) {
    const next = Math.min((Math.floor(offsetBytes / BLOCK_BYTES) + 1) * BLOCK_BYTES, endOf(range));
    blocks.push({ offsetBytes, sizeBytes: next - offsetBytes });
    offsetBytes = next;
  }
  return blocks;
}

function byOffset(a: ByteRange, b: ByteRange): number {
  return a.offsetBytes - b.offsetBytes;
}

export function endOf(range: ByteRange): number {
  return range.offsetBytes + range.sizeBytes;
}

function totalOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The last `count` bytes of a card as whole sectors from a page's beginning; all of it when it has fewer. */
export function lastBytesOf(sizeBytes: number, count: number): ByteRange {
  const offsetBytes = alignUp(Math.max(0, sizeBytes - count), PAGE_BYTES);
  return { offsetBytes, sizeBytes: sizeBytes - offsetBytes };
}
