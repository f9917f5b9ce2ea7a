import { DamagedFileSystem } from '../file-system/file-system.js';
import type { Inode } from './inode.js';
import type { Superblock } from './superblock.js';

/** Neighbouring blocks of a file. */
export type Extent = {
  /** Counted from the file's start. */
  readonly fileBlock: number;
  readonly blocks: number;
  /** Where they are; undefined for blocks that were kept free for it and read as zeros. */
  readonly diskBlock?: number;
};

type ReadBlock = (block: number) => Promise<Uint8Array>;

const EXTENT_MAGIC = 0xf30a;
const MOST_DEPTH = 5;
const NODE_HEADER_BYTES = 12;
const NODE_ENTRY_BYTES = 12;
/** A longer extent is one that was not written yet. */
const LONGEST_EXTENT = 32_768;
const DIRECT_BLOCKS = 12;

/** Where a file's blocks are, in the order of the file; holes are left out. Throws DamagedFileSystem. */
export async function fileExtents(
  inode: Inode,
  superblock: Superblock,
  readBlock: ReadBlock,
): Promise<readonly Extent[]> {
  const extents = inode.hasExtents
    ? await treeExtents(inode, superblock, readBlock)
    : await mappedExtents(inode, superblock, readBlock);
  let end = 0;
  for (const { fileBlock, blocks, diskBlock = superblock.firstBlock } of extents) {
    if (fileBlock < end) throw new DamagedFileSystem(`inode ${inode.number} has two places for one block`);
    end = fileBlock + blocks;
    if (diskBlock < superblock.firstBlock || diskBlock + blocks > superblock.blocks) {
      throw new DamagedFileSystem(`inode ${inode.number} has blocks beyond the end of the file system`);
    }
  }
  return extents;
}

/** ext4: a tree of extents whose root is in the inode. */
async function treeExtents(inode: Inode, superblock: Superblock, readBlock: ReadBlock): Promise<readonly Extent[]> {
  const found: Extent[] = [];
  let visited = 0;
  const walk = async (bytes: Uint8Array, most: number): Promise<void> => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = view.getUint16(2, true);
    const depth = view.getUint16(6, true);
    visited += count;
    const isRight =
      view.getUint16(0, true) === EXTENT_MAGIC &&
      NODE_HEADER_BYTES + count * NODE_ENTRY_BYTES <= bytes.length &&
      depth <= most &&
      visited <= superblock.blocks;
    if (!isRight) throw new DamagedFileSystem(`the extent tree of inode ${inode.number} is damaged`);
    for (let index = 0; index < count; index += 1) {
      const at = NODE_HEADER_BYTES + index * NODE_ENTRY_BYTES;
      if (depth === 0) found.push(extentAt(view, at));
      else await walk(await readBlock(wideNumber(view, at + 4, at + 8)), depth - 1);
    }
  };
  await walk(inode.blockArea, MOST_DEPTH);
  return found.sort((a, b) => a.fileBlock - b.fileBlock);
}

function extentAt(view: DataView, at: number): Extent {
  const length = view.getUint16(at + 4, true);
  const fileBlock = view.getUint32(at, true);
  if (length > LONGEST_EXTENT) return { fileBlock, blocks: length - LONGEST_EXTENT };
  return { fileBlock, blocks: length, diskBlock: wideNumber(view, at + 8, at + 6) };
}

function wideNumber(view: DataView, low: number, high: number): number {
  return view.getUint32(low, true) + view.getUint16(high, true) * 2 ** 32;
}

/** ext2 and ext3: twelve block numbers, then trees of one, two and three levels. */
async function mappedExtents(inode: Inode, superblock: Superblock, readBlock: ReadBlock): Promise<readonly Extent[]> {
  const perBlock = superblock.blockBytes / 4;
  const wanted = Math.ceil(inode.sizeBytes / superblock.blockBytes);
  const found: Extent[] = [];
  const add = async (number: number, level: number, fileBlock: number): Promise<void> => {
    if (number === 0 || fileBlock >= wanted) return;
    if (level === 0) {
      append(found, fileBlock, number);
      return;
    }
    for (const [index, child] of numbers(await readBlock(number)).entries()) {
      await add(child, level - 1, fileBlock + index * perBlock ** (level - 1));
    }
  };
  let fileBlock = 0;
  for (const [index, number] of numbers(inode.blockArea).entries()) {
    const level = Math.max(0, index - DIRECT_BLOCKS + 1);
    await add(number, level, fileBlock);
    fileBlock += perBlock ** level;
  }
  return found;
}

function append(found: Extent[], fileBlock: number, diskBlock: number): void {
  const last = found.at(-1);
  const isNext =
    last?.diskBlock !== undefined &&
    last.fileBlock + last.blocks === fileBlock &&
    last.diskBlock + last.blocks === diskBlock;
  if (isNext) found[found.length - 1] = { ...last, blocks: last.blocks + 1 };
  else found.push({ fileBlock, blocks: 1, diskBlock });
}

function numbers(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getUint32(index * 4, true));
}
