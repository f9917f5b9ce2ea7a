import type { FileSystemFormat } from '../file-system/file-system.js';
import { DamagedFileSystem } from '../file-system/file-system.js';
import { readExt } from './reader.js';
import type { Superblock } from './superblock.js';
import { SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET, isSuperblock, parseSuperblock } from './superblock.js';
import { extUsedRanges } from './used-ranges.js';
import type { ReadAt } from '../../model/read-at.js';

/** ext2, ext3 and ext4. */
export const EXT: FileSystemFormat = {
  claims: (start) =>
    isSuperblock(start.subarray(SUPERBLOCK_OFFSET, SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES)) ? 'ext4' : undefined,
  async open(read, sizeBytes) {
    return readExt(read, await superblockOf(read, sizeBytes), sizeBytes);
  },
  async usedRanges(read, sizeBytes) {
    return extUsedRanges(read, await superblockOf(read, sizeBytes), sizeBytes);
  },
};

async function superblockOf(read: ReadAt, sizeBytes: number): Promise<Superblock> {
  const superblock = parseSuperblock(await read(SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES));
  const ownBytes = superblock.blocks * superblock.blockBytes;
  if (ownBytes > sizeBytes) {
    throw new DamagedFileSystem(`it says that it has ${ownBytes} bytes, its partition has ${sizeBytes}`);
  }
  return superblock;
}
