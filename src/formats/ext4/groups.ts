import { DamagedFileSystem } from '../file-system/file-system.js';
import type { Superblock } from './superblock.js';
import { SUPERBLOCK_OFFSET } from './superblock.js';
import type { ReadAt } from '../../model/read-at.js';

/** A group's descriptor (Documentation/filesystems/ext4/group_descr.rst). */
export type Group = {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  /** Its block bitmap was never written: nothing but metadata is in the group. */
  readonly isBitmapUnset: boolean;
  /** With bigalloc in clusters. */
  readonly freeClusters: number;
};

const BLOCK_UNINIT = 0x2;

/** The descriptors of all groups, each read when it is asked for. */
export class GroupTable {
  constructor(
    private readonly read: ReadAt,
    private readonly superblock: Superblock,
  ) {}

  /** Throws DamagedFileSystem when it points out of the file system. */
  async group(index: number): Promise<Group> {
    const { blockBytes, descriptorBytes, groups, hasGroupChecksums } = this.superblock;
    if (index < 0 || index >= groups) throw new DamagedFileSystem(`there is no group ${index}`);
    const perBlock = blockBytes / descriptorBytes;
    const block = descriptorBlock(this.superblock, Math.floor(index / perBlock));
    const at = block * blockBytes + (index % perBlock) * descriptorBytes;
    const bytes = await this.read(at, descriptorBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isWide = descriptorBytes >= 64;
    const number = (low: number, high: number): number =>
      view.getUint32(low, true) + (isWide ? view.getUint32(high, true) * 2 ** 32 : 0);
    const group: Group = {
      blockBitmap: number(0x00, 0x20),
      inodeBitmap: number(0x04, 0x24),
      inodeTable: number(0x08, 0x28),
      isBitmapUnset: hasGroupChecksums && (view.getUint16(0x12, true) & BLOCK_UNINIT) !== 0,
      freeClusters: view.getUint16(0x0c, true) + (isWide ? view.getUint16(0x2c, true) * 2 ** 16 : 0),
    };
    this.requireInside(group, index);
    return group;
  }

  private requireInside(group: Group, index: number): void {
    const { firstBlock, blocks } = this.superblock;
    const ends = [group.blockBitmap, group.inodeBitmap, group.inodeTable + inodeTableBlocks(this.superblock) - 1];
    if (ends.some((end) => end < firstBlock || end >= blocks)) {
      throw new DamagedFileSystem(`the descriptor of group ${index} points beyond its end`);
    }
  }
}

export function inodeTableBlocks({ inodesPerGroup, inodeBytes, blockBytes }: Superblock): number {
  return Math.ceil((inodesPerGroup * inodeBytes) / blockBytes);
}

export function firstBlockOf({ firstBlock, blocksPerGroup }: Superblock, group: number): number {
  return firstBlock + group * blocksPerGroup;
}

export function hasCopy({ copies }: Superblock, group: number): boolean {
  return group === 0 || copies?.has(group) !== false;
}

/** Descriptor blocks that are behind each copy of the superblock; with meta_bg the others are elsewhere. */
export function jointDescriptorBlocks({ groups, descriptorBytes, blockBytes, firstMetaBlock }: Superblock): number {
  const all = Math.ceil((groups * descriptorBytes) / blockBytes);
  return Math.min(all, firstMetaBlock ?? all);
}

/** Where the first descriptor block is: right behind the superblock. */
export function descriptorStart({ blockBytes }: Superblock): number {
  return Math.floor(SUPERBLOCK_OFFSET / blockBytes) + 1;
}

/** The block of the descriptors' `index`-th block (ext4_get_group_desc and descriptor_loc, fs/ext4/super.c). */
function descriptorBlock(superblock: Superblock, index: number): number {
  if (superblock.firstMetaBlock === undefined || index < superblock.firstMetaBlock) {
    return descriptorStart(superblock) + index;
  }
  return metaDescriptorBlock(superblock, metaGroups(superblock, index)[0] ?? 0);
}

/** meta_bg: the groups that hold a copy of a descriptor block: the first, second and last of those that it describes. */
export function metaGroups({ blockBytes, descriptorBytes, groups }: Superblock, index: number): readonly number[] {
  const perBlock = blockBytes / descriptorBytes;
  const first = index * perBlock;
  return [first, first + 1, first + perBlock - 1].filter((group) => group < groups);
}

/** meta_bg: where in a group the descriptor block is, behind the superblock's copy if it has one. */
export function metaDescriptorBlock(superblock: Superblock, group: number): number {
  const first = group === 0 ? descriptorStart(superblock) - 1 : firstBlockOf(superblock, group);
  return first + (hasCopy(superblock, group) ? 1 : 0);
}
