import { KiB, MiB } from '../../model/bytes.js';

export const EXT4_BLOCK_BYTES = 4 * KiB;
export const EXT4_INODE_BYTES = 256;
/** It does not grow with the file system; metadata of a device with Docker on an SD card does not fill more between two commits. */
export const EXT4_JOURNAL_BYTES = 8 * MiB;

const BLOCKS_PER_GROUP = 8 * EXT4_BLOCK_BYTES;
const DESCRIPTOR_BYTES = 64;
/** mke2fs's default, one inode for 16 KiB. resize2fs keeps it per group, so it also holds for the grown card. */
const USUAL_INODES_PER_GROUP = 8192;
/** Files that the device adds before its file system grows on first boot. */
const SPARE_INODES = 2048;
const MAX_INODES_PER_GROUP = 8 * EXT4_BLOCK_BYTES;
const INODES_PER_BLOCK = EXT4_BLOCK_BYTES / EXT4_INODE_BYTES;
/** resize_inode: room for the descriptors of 1,024 times the size, which is how far it can grow while mounted. */
const GROWTH = 1024;
const MAX_BLOCKS = 0xffff_ffff;
/** mke2fs leaves out a last group in which fewer blocks than these would be left for data (ext2fs_initialize). */
const SHORTEST_REST_BLOCKS = 50;
/** lost+found, and extent blocks of the few files that need one. */
const SMALL_THINGS_BLOCKS = 32;

export type Ext4Geometry = {
  /** For mke2fs's -N. */
  readonly inodes: number;
  /** What the file system takes for itself: metadata, the journal, a last block group that is too short to be used. */
  readonly overheadBytes: number;
};

/** How mke2fs lays out a file system of that size for `files` inodes (folders, links and devices included). */
export function ext4Geometry(sizeBytes: number, files: number): Ext4Geometry {
  const blocks = Math.floor(sizeBytes / EXT4_BLOCK_BYTES);
  const wholeGroups = Math.floor(blocks / BLOCKS_PER_GROUP);
  const groupBlocks = 2 + inodesPerGroup(wholeGroups, files) / INODES_PER_BLOCK;
  const copyBlocks = 1 + descriptorBlocks(blocks);
  const restBlocks = blocks % BLOCKS_PER_GROUP;
  const restIsUsed = wholeGroups === 0 || restBlocks >= groupBlocks + copyBlocks + SHORTEST_REST_BLOCKS;
  const groups = wholeGroups + (restIsUsed && restBlocks > 0 ? 1 : 0);

  const overheadBlocks =
    groups * groupBlocks +
    groupsWithCopies(groups) * copyBlocks +
    EXT4_JOURNAL_BYTES / EXT4_BLOCK_BYTES +
    orphanFileBlocks(blocks) +
    SMALL_THINGS_BLOCKS +
    (restIsUsed ? 0 : restBlocks);
  return {
    inodes: groups * inodesPerGroup(wholeGroups, files),
    overheadBytes: overheadBlocks * EXT4_BLOCK_BYTES,
  };
}

/** The orphan_file feature: inodes that are deleted while open are noted there (ext2fs_default_orphan_file_blocks). */
function orphanFileBlocks(blocks: number): number {
  return Math.min(512, Math.max(32, Math.ceil(blocks / 4096)));
}

/** The least size that can hold so many files at all: a group's inode bitmap is one block. */
export function ext4MinBytes(files: number): number {
  const groups = Math.ceil((files + SPARE_INODES) / MAX_INODES_PER_GROUP);
  return groups <= 1 ? 0 : groups * BLOCKS_PER_GROUP * EXT4_BLOCK_BYTES;
}

function inodesPerGroup(wholeGroups: number, files: number): number {
  const wanted = Math.ceil((files + SPARE_INODES) / Math.max(1, wholeGroups));
  return Math.max(USUAL_INODES_PER_GROUP, Math.ceil(wanted / INODES_PER_BLOCK) * INODES_PER_BLOCK);
}

/** Of one copy of the group descriptors, with what mke2fs reserves behind them (calc_reserved_gdt_blocks). */
function descriptorBlocks(blocks: number): number {
  const grownGroups = Math.ceil(Math.min(blocks * GROWTH, MAX_BLOCKS) / BLOCKS_PER_GROUP);
  return Math.min(Math.ceil((grownGroups * DESCRIPTOR_BYTES) / EXT4_BLOCK_BYTES), EXT4_BLOCK_BYTES / 4);
}

/** sparse_super: groups 0, 1 and the powers of 3, 5 and 7 hold a copy of the superblock and the descriptors. */
function groupsWithCopies(groups: number): number {
  let copies = Math.min(groups, 2);
  for (const base of [3, 5, 7]) {
    for (let group = base; group < groups; group *= base) copies += 1;
  }
  return copies;
}
