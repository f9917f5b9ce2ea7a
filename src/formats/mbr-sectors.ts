import { parseBootSector } from './fat/boot-sector.js';
import { isSuperblock, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET } from './ext4/superblock.js';
import type { MbrPartition } from './mbr.js';
import { isExtended } from './partition-types.js';
import { KiB } from '../model/bytes.js';
import type { ReadAt } from '../model/read-at.js';
import { isZero } from '../model/zeros.js';

const SMALL = 512;
const LARGE = 4096;
/** Where a partition says what is in it. */
const START_BYTES = 4 * KiB;

/**
 * The sectors that the MBR of an image counts in: it does not say, so what the first partition begins with does. 4096
 * only where nothing is at the place that sectors of 512 bytes make, and a file system is at the other one.
 *
 * @param partitions read with sectors of 512 bytes
 * @param sizeBytes of the image; undefined while it is not known
 */
export async function mbrSectorBytes(
  read: ReadAt,
  partitions: readonly MbrPartition[],
  sizeBytes: number | undefined,
): Promise<512 | 4096> {
  const [first] = partitions
    .filter((partition) => !isExtended(partition) && partition.sizeBytes > 0)
    .toSorted((a, b) => a.offsetBytes - b.offsetBytes);
  const large = LARGE / SMALL;
  if (first === undefined || first.offsetBytes === 0) return SMALL;
  const end = (first.offsetBytes + first.sizeBytes) * large;
  if (sizeBytes !== undefined && end > sizeBytes) return SMALL;
  const here = await read(first.offsetBytes, START_BYTES);
  if (here.length < START_BYTES || !isZero(here)) return SMALL;
  return holdsFileSystem(await read(first.offsetBytes * large, START_BYTES)) ? LARGE : SMALL;
}

function holdsFileSystem(start: Uint8Array): boolean {
  const isExt = isSuperblock(start.subarray(SUPERBLOCK_OFFSET, SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES));
  return isExt || parseBootSector(start.subarray(0, SMALL)) !== undefined;
}
