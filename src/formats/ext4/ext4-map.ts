import type { ByteRange } from '../../model/byte-range.js';
import { mergeRanges } from '../../model/byte-range.js';

/** Where the superblock lies in the partition, and how long it is. */
export const EXT4_SUPERBLOCK: ByteRange = { offsetBytes: 1024, sizeBytes: 1024 };

/** The parts of an ext2, ext3 or ext4 superblock that say what lies where (Linux, Documentation/filesystems/ext4). */
export type Ext4Layout = {
  readonly blockBytes: number;
  readonly blocks: number;
  /** 1 where blocks are 1 KiB: the first one is the boot block, outside of all groups. */
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly groups: number;
  readonly inodeTableBlocks: number;
  /** The group descriptors behind the first superblock. */
  readonly descriptors: ByteRange;
  readonly descriptorBytes: number;
  /** Behind each copy of the descriptors; kept free for a file system that grows. */
  readonly reservedDescriptorBlocks: number;
  /** Groups that hold copies of superblock and descriptors, beside group 0; undefined: each of them. */
  readonly copies: ReadonlySet<number> | undefined;
  /** Flags of the descriptors mean something. */
  readonly hasGroupChecksums: boolean;
};

export type Ext4Group = {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  /** Its block bitmap was never written: nothing but metadata is in the group. */
  readonly isBitmapUnset: boolean;
  readonly freeBlocks: number;
};

const MAGIC = 0xef53;
const SPARSE_SUPER2 = 0x200;
const RO_SPARSE_SUPER = 0x1;
const RO_GROUP_CHECKSUMS = 0x10;
const RO_BIGALLOC = 0x200;
const RO_METADATA_CHECKSUMS = 0x400;
const INCOMPAT_64BIT = 0x80;
/**
 * filetype, extents, 64bit, mmp, flex_bg, ea_inode, metadata_csum_seed, large_dir, inline_data, encrypt, casefold.
 * Not among them: needs_recovery (bitmaps may be older than the journal), journal_dev, meta_bg, compression.
 */
const KNOWN_INCOMPAT =
  0x2 | 0x40 | INCOMPAT_64BIT | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;
const FLAG_BLOCK_UNINIT = 0x2;
/** Block bitmaps and inode tables are never larger than what one block can count. */
const MAX_BLOCK_LOG = 6;

/**
 * Reads a superblock. Undefined for anything that is not an ext2, ext3 or ext4 of at most `sizeBytes`, and for one whose
 * bitmaps do not tell all: a journal that is not played back, clusters (bigalloc), features we do not know.
 */
export function parseExt4(superblock: Uint8Array, sizeBytes: number): Ext4Layout | undefined {
  if (superblock.length < EXT4_SUPERBLOCK.sizeBytes) return undefined;
  const view = new DataView(superblock.buffer, superblock.byteOffset, EXT4_SUPERBLOCK.sizeBytes);
  const u16 = (offset: number): number => view.getUint16(offset, true);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  if (u16(0x38) !== MAGIC) return undefined;
  const [compat, incompat, readOnly] = [u32(0x5c), u32(0x60), u32(0x64)];
  if ((incompat & ~KNOWN_INCOMPAT) !== 0 || (readOnly & RO_BIGALLOC) !== 0 || u32(0x18) > MAX_BLOCK_LOG)
    return undefined;
  const is64Bit = (incompat & INCOMPAT_64BIT) !== 0;
  const blockBytes = 1024 * 2 ** u32(0x18);
  const blocks = u32(0x04) + (is64Bit ? u32(0x150) * 2 ** 32 : 0);
  const firstDataBlock = u32(0x14);
  const blocksPerGroup = u32(0x20);
  const inodesPerGroup = u32(0x28);
  const inodeBytes = u32(0x4c) === 0 ? 128 : u16(0x58);
  const descriptorBytes = is64Bit ? u16(0xfe) : 32;
  const isSane =
    firstDataBlock === (blockBytes === 1024 ? 1 : 0) &&
    [blocksPerGroup, inodesPerGroup].every((count) => count > 0 && count <= 8 * blockBytes) &&
    inodeBytes >= 128 &&
    descriptorBytes >= (is64Bit ? 64 : 32) &&
    blocks > firstDataBlock &&
    blocks * blockBytes <= sizeBytes;
  if (!isSane) return undefined;
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  return {
    blockBytes,
    blocks,
    firstDataBlock,
    blocksPerGroup,
    groups,
    inodeTableBlocks: Math.ceil((inodesPerGroup * inodeBytes) / blockBytes),
    descriptors: { offsetBytes: (firstDataBlock + 1) * blockBytes, sizeBytes: groups * descriptorBytes },
    descriptorBytes,
    reservedDescriptorBlocks: u16(0xce),
    copies: copyGroups(groups, {
      sparse2: (compat & SPARSE_SUPER2) !== 0 ? [u32(0x24c), u32(0x250)] : undefined,
      sparse: (readOnly & RO_SPARSE_SUPER) !== 0,
    }),
    hasGroupChecksums: (readOnly & (RO_GROUP_CHECKSUMS | RO_METADATA_CHECKSUMS)) !== 0,
  };
}

/** Reads the descriptors; undefined when one of them points out of the file system. */
export function parseExt4Groups(layout: Ext4Layout, descriptors: Uint8Array): readonly Ext4Group[] | undefined {
  const view = new DataView(descriptors.buffer, descriptors.byteOffset, descriptors.byteLength);
  const isWide = layout.descriptorBytes >= 64;
  const groups: Ext4Group[] = [];
  for (let index = 0; index < layout.groups; index += 1) {
    const at = index * layout.descriptorBytes;
    const block = (low: number, high: number): number =>
      view.getUint32(at + low, true) + (isWide ? view.getUint32(at + high, true) * 2 ** 32 : 0);
    const group: Ext4Group = {
      blockBitmap: block(0x00, 0x20),
      inodeBitmap: block(0x04, 0x24),
      inodeTable: block(0x08, 0x28),
      isBitmapUnset: layout.hasGroupChecksums && (view.getUint16(at + 0x12, true) & FLAG_BLOCK_UNINIT) !== 0,
      freeBlocks: view.getUint16(at + 0x0c, true) + (isWide ? view.getUint16(at + 0x2c, true) * 2 ** 16 : 0),
    };
    const ends = [group.blockBitmap, group.inodeBitmap, group.inodeTable + layout.inodeTableBlocks - 1];
    if (ends.some((end) => end < layout.firstDataBlock || end >= layout.blocks)) return undefined;
    groups.push(group);
  }
  return groups;
}

/**
 * What the file system uses, from the partition's beginning: every block that a bitmap calls used, and all metadata
 * whatever the bitmaps say. Inode tables count in full, also where nothing is in them yet: a kernel that fills them
 * later takes for granted that they are zeros.
 *
 * @param bitmaps one block for each group; undefined where the group's is unset
 * @returns undefined when a bitmap and its descriptor count free blocks differently: then neither can be trusted
 */
export function ext4MappedRanges(
  layout: Ext4Layout,
  groups: readonly Ext4Group[],
  bitmaps: readonly (Uint8Array | undefined)[],
): readonly ByteRange[] | undefined {
  const { blockBytes } = layout;
  const ranges: ByteRange[] = [];
  const add = (firstBlock: number, blocks: number): void => {
    ranges.push({ offsetBytes: firstBlock * blockBytes, sizeBytes: blocks * blockBytes });
  };
  add(0, layout.firstDataBlock + 1);
  const copyBlocks = 1 + Math.ceil(layout.descriptors.sizeBytes / blockBytes) + layout.reservedDescriptorBlocks;
  for (const [index, group] of groups.entries()) {
    const first = layout.firstDataBlock + index * layout.blocksPerGroup;
    const blocks = Math.min(layout.blocksPerGroup, layout.blocks - first);
    if (index === 0 || layout.copies?.has(index) !== false) add(first, Math.min(copyBlocks, blocks));
    add(group.blockBitmap, 1);
    add(group.inodeBitmap, 1);
    add(group.inodeTable, layout.inodeTableBlocks);
    const bitmap = bitmaps[index];
    if (bitmap === undefined) continue;
    let used = 0;
    for (const { from, until } of setBits(bitmap, blocks)) {
      used += until - from;
      add(first + from, until - from);
    }
    if (blocks - used !== group.freeBlocks) return undefined;
  }
  return mergeRanges(ranges);
}

/** Runs of ones among the first `count` bits. */
function* setBits(bitmap: Uint8Array, count: number): Generator<{ readonly from: number; readonly until: number }> {
  let from: number | undefined;
  for (let bit = 0; bit <= count; bit += 1) {
    const isSet = bit < count && ((bitmap[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
    if (isSet) from ??= bit;
    else if (from !== undefined) {
      yield { from, until: bit };
      from = undefined;
    }
  }
}

/** sparse_super: the powers of 3, 5 and 7, and 1. sparse_super2: the two that the superblock names. */
function copyGroups(
  groups: number,
  features: { readonly sparse2: readonly number[] | undefined; readonly sparse: boolean },
): ReadonlySet<number> | undefined {
  if (features.sparse2 !== undefined) return new Set(features.sparse2.filter((group) => group !== 0));
  if (!features.sparse) return undefined;
  const copies = new Set([1]);
  for (const base of [3, 5, 7]) {
    for (let group = base; group < groups; group *= base) copies.add(group);
  }
  return copies;
}
