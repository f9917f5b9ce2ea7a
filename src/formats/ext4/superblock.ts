import { crc32c } from './crc32c.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem, UnreadFileSystem } from '../file-system/file-system.js';

/** The superblock of an ext2, ext3 or ext4 (Linux: Documentation/filesystems/ext4/super.rst). */
export type Superblock = {
  readonly kind: 'ext4' | 'ext3' | 'ext2';
  readonly label: string;
  readonly uuid: string;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  /** 1 where blocks are 1 KiB (without bigalloc): the first one is the boot block, outside of all groups. */
  readonly firstBlock: number;
  readonly blocksPerGroup: number;
  readonly groups: number;
  /** More than 1 with bigalloc: a bit of a bitmap stands for so many blocks. */
  readonly blocksPerCluster: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  readonly descriptorBytes: number;
  /** Behind each copy of the descriptors; kept free for a file system that grows. */
  readonly reservedDescriptorBlocks: number;
  /** With meta_bg: from this block of descriptors on, each is in the groups that it describes. */
  readonly firstMetaBlock: number | undefined;
  /** Groups that hold copies of the superblock, beside group 0; undefined: all of them. */
  readonly copies: ReadonlySet<number> | undefined;
  /** Flags of the descriptors mean something. */
  readonly hasGroupChecksums: boolean;
  readonly needsRecovery: boolean;
  /** Folders may be larger than 4 GiB: their size has 64 bits. */
  readonly hasLargeFolders: boolean;
  readonly hasAttributeInodes: boolean;
  /** Blocks may belong to several files (shared_blocks): none of them may be changed in place. */
  readonly sharesBlocks: boolean;
  /** Read-only features that change what bitmaps mean, or that are not known: they do not tell what is used. */
  readonly hasPlainBitmaps: boolean;
};

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_BYTES = 1024;

const MAGIC = 0xef53;
const COMPAT = { hasJournal: 0x4, sparseSuper2: 0x200 } as const;
const INCOMPAT = { recover: 0x4, metaGroups: 0x10, extents: 0x40, bits64: 0x80, eaInode: 0x400, largeFolders: 0x4000 };
const READ_ONLY = { sparseSuper: 0x1, groupChecksums: 0x10, bigalloc: 0x200, metadataChecksums: 0x400, shared: 0x4000 };
/**
 * filetype, recover, meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, large_dir, inline_data, encrypt,
 * casefold: understood here, or of no concern to a reader.
 */
const READABLE_INCOMPAT =
  0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;
const INCOMPAT_NAMES: Readonly<Record<number, string>> = {
  0x1: 'compression',
  0x8: 'journal_dev (it is the journal of another ext4)',
  0x1000: 'dirdata',
};
/** Beside the five above: large_file, btree_dir, huge_file, dir_nlink, extra_isize, quota, readonly, project, verity, orphan_present. */
const PLAIN_READ_ONLY =
  0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000;
/** filetype, recover, meta_bg; sparse_super, large_file, btree_dir. */
const EXT3_INCOMPAT = 0x2 | 0x4 | 0x10;
const EXT3_READ_ONLY = 0x1 | 0x2 | 0x4;
/** Blocks of 64 KiB. */
const MOST_BLOCK_LOG = 6;

/** @param bytes SUPERBLOCK_BYTES from SUPERBLOCK_OFFSET on */
export function isSuperblock(bytes: Uint8Array): boolean {
  if (bytes.length < SUPERBLOCK_BYTES) return false;
  const view = viewOf(bytes);
  return view.getUint16(0x38, true) === MAGIC && view.getUint32(0x4c, true) <= 1;
}

/**
 * Bytes that isSuperblock takes for one. Throws DamagedFileSystem, and UnreadFileSystem that names every feature that is
 * not understood here.
 */
export function parseSuperblock(bytes: Uint8Array): Superblock {
  const view = viewOf(bytes);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  const [compat, incompat, readOnly] = [u32(0x5c), u32(0x60), u32(0x64)];
  const has = (set: number, bit: number): boolean => (set & bit) !== 0;
  if (has(readOnly, READ_ONLY.metadataChecksums) && crc32c(bytes.subarray(0, 0x3fc)) !== u32(0x3fc)) {
    throw new DamagedFileSystem('the checksum of its superblock is wrong');
  }
  const unknown = unreadFeatures(incompat);
  if (unknown.length > 0) throw new UnreadFileSystem(unknown.join(', '));
  if (u32(0x18) > MOST_BLOCK_LOG || u32(0x1c) > 30) throw impossible();
  const wide = has(incompat, INCOMPAT.bits64);
  const large = (low: number, high: number): number => u32(low) + (wide ? u32(high) * 2 ** 32 : 0);
  const [blocks, firstBlock, blocksPerGroup] = [large(0x4, 0x150), u32(0x14), u32(0x20)];
  if (blocksPerGroup === 0) throw impossible();
  const groups = Math.ceil((blocks - firstBlock) / blocksPerGroup);
  return plausible({
    kind: isExt4(incompat, readOnly) ? 'ext4' : has(compat, COMPAT.hasJournal) ? 'ext3' : 'ext2',
    label: cString(bytes.subarray(0x78, 0x88)),
    uuid: formatUuid(bytes.subarray(0x68, 0x78)),
    blockBytes: 1024 * 2 ** u32(0x18),
    blocks,
    freeBlocks: large(0xc, 0x158),
    firstBlock,
    blocksPerGroup,
    groups,
    blocksPerCluster: has(readOnly, READ_ONLY.bigalloc) ? 2 ** (u32(0x1c) - u32(0x18)) : 1,
    inodes: u32(0x0),
    freeInodes: u32(0x10),
    inodesPerGroup: u32(0x28),
    inodeBytes: u32(0x4c) === 0 ? 128 : view.getUint16(0x58, true),
    descriptorBytes: wide ? Math.max(32, view.getUint16(0xfe, true)) : 32,
    reservedDescriptorBlocks: view.getUint16(0xce, true),
    firstMetaBlock: has(incompat, INCOMPAT.metaGroups) ? u32(0x104) : undefined,
    copies: copyGroups(groups, {
      sparse2: has(compat, COMPAT.sparseSuper2) ? [u32(0x24c), u32(0x250)] : undefined,
      sparse: has(readOnly, READ_ONLY.sparseSuper),
    }),
    hasGroupChecksums: has(readOnly, READ_ONLY.groupChecksums | READ_ONLY.metadataChecksums),
    needsRecovery: has(incompat, INCOMPAT.recover),
    hasLargeFolders: has(incompat, INCOMPAT.largeFolders),
    hasAttributeInodes: has(incompat, INCOMPAT.eaInode),
    sharesBlocks: has(readOnly, READ_ONLY.shared),
    hasPlainBitmaps: (readOnly & ~PLAIN_READ_ONLY) === 0,
  });
}

/** What ext3 does not have (libblkid, src/superblocks/ext.c). */
function isExt4(incompat: number, readOnly: number): boolean {
  return (incompat & ~EXT3_INCOMPAT) !== 0 || (readOnly & ~EXT3_READ_ONLY) !== 0;
}

function plausible(superblock: Superblock): Superblock {
  const { blockBytes, blocksPerCluster, descriptorBytes, inodeBytes } = superblock;
  const mostPerGroup = 8 * blockBytes;
  const isSane =
    superblock.firstBlock <= 1 &&
    superblock.blocks > superblock.firstBlock &&
    blocksPerCluster >= 1 &&
    superblock.blocksPerGroup <= mostPerGroup * blocksPerCluster &&
    superblock.inodesPerGroup > 0 &&
    superblock.inodesPerGroup <= mostPerGroup &&
    inodeBytes >= 128 &&
    inodeBytes <= blockBytes &&
    isPowerOfTwo(inodeBytes) &&
    descriptorBytes <= blockBytes &&
    isPowerOfTwo(descriptorBytes);
  if (!isSane) throw impossible();
  return superblock;
}

function impossible(): DamagedFileSystem {
  return new DamagedFileSystem('its superblock holds impossible numbers');
}

function unreadFeatures(incompat: number): readonly string[] {
  const names: string[] = [];
  for (let bit = 1; bit <= 0x8000_0000; bit *= 2) {
    if ((incompat & bit & ~READABLE_INCOMPAT) !== 0) names.push(INCOMPAT_NAMES[bit] ?? `feature 0x${bit.toString(16)}`);
  }
  return names;
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

function isPowerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return nameOfBytes(end < 0 ? bytes : bytes.subarray(0, end));
}

function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
