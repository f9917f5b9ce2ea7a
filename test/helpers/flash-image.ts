import { randomBytes } from 'node:crypto';
import type { ByteRange } from '../../src/model/byte-range.js';
import { MiB } from '../../src/model/bytes.js';
import { mappedRanges } from '../../src/images/used-ranges.js';
import { readCard } from './loop-card.js';
import { FAT_OFFSET, makeSmallImage, ROOT_BYTES, ROOT_OFFSET } from './small-image.js';

export const IMAGE_BYTES = ROOT_OFFSET + ROOT_BYTES;

/** An image with so much in each of its file systems, none of it twice the same. */
export async function makeFullImage(
  tools: string,
  folder: string,
  { bootBytes, rootBytes } = { bootBytes: 18 * MiB, rootBytes: 12 * MiB },
): Promise<string> {
  const text = (sizeBytes: number): string => randomBytes(sizeBytes / 2).toString('hex');
  const { image } = await makeSmallImage(tools, folder, {
    boot: { 'kernel8.img': text(bootBytes) },
    root: { 'usr/bin/large': text(rootBytes) },
  });
  return image;
}

/** Ranges of the image that a card must hold, as the file systems say. */
export async function rangesOf(image: string): Promise<readonly ByteRange[]> {
  return mappedRanges((offsetBytes, sizeBytes) => readCard(image, offsetBytes, sizeBytes), IMAGE_BYTES);
}

/** The first range that is not as in the image; undefined when all are. */
export async function firstDifference(
  image: string,
  card: string,
  ranges: readonly ByteRange[],
): Promise<ByteRange | undefined> {
  for (const range of ranges) {
    const [wanted, found] = await Promise.all(
      [image, card].map((path) => readCard(path, range.offsetBytes, range.sizeBytes)),
    );
    if (wanted === undefined || found?.equals(wanted) !== true) return range;
  }
  return undefined;
}

/** Whether a firmware would try to start from it: a partition table, and a FAT where it points or at the beginning. */
export async function looksBootable(card: string): Promise<boolean> {
  const isBootSector = (sector: Buffer): boolean => sector[510] === 0x55 && sector[511] === 0xaa;
  const isFat = (sector: Buffer): boolean => isBootSector(sector) && (sector[0] === 0xeb || sector[0] === 0xe9);
  const first = await readCard(card, 0, 512);
  return isFat(first) || (isBootSector(first) && isFat(await readCard(card, FAT_OFFSET, 512)));
}
