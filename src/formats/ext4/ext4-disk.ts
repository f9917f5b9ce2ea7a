import type { FileKind } from '../file-entry.js';
import { crc32c } from '../crc32c.js';

/**
 * ext2, ext3 and ext4 as they lie on the disk (Linux: Documentation/filesystems/ext4/). All of it only reads bytes that
 * it is given. What cannot be right is a thrown `Ext4Fault` with the reason in words.
 */
export class Ext4Fault extends Error {}

export type Superblock = {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly firstBlock: number;
  readonly blocksPerGroup: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  readonly descriptorBytes: number;
  readonly label: string;
  readonly uuid: string;
  readonly kind: 'ext4' | 'ext3' | 'ext2';
  readonly needsRecovery: boolean;
};

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_BYTES = 1024;
export const ROOT_INODE = 2;

const MAGIC = 0xef53;
const COMPAT_HAS_JOURNAL = 0x4;
const INCOMPAT = { recover: 0x4, extents: 0x40, bits64: 0x80 } as const;
const RO_COMPAT_METADATA_CSUM = 0x400;
/** What a reader need not know (filetype, recover, mmp, flex_bg, ea_inode, csum_seed, largedir) or knows. */
const READABLE_INCOMPAT = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000;
const INCOMPAT_NAMES: Readonly<Record<number, string>> = {
  0x1: 'compression',
  0x8: 'journal_dev',
  0x10: 'meta_bg',
  0x1000: 'dirdata',
  0x8000: 'inline_data',
  0x10000: 'encrypt',
  0x20000: 'casefold',
};

export function isExt(superblock: Uint8Array): boolean {
  return superblock.length >= SUPERBLOCK_BYTES && viewOf(superblock).getUint16(0x38, true) === MAGIC;
}

/** Bytes that may be a superblock; its magic was seen. */
export function parseSuperblock(bytes: Uint8Array): Superblock {
  const view = viewOf(bytes);
  const compat = view.getUint32(0x5c, true);
  const incompat = view.getUint32(0x60, true);
  const roCompat = view.getUint32(0x64, true);
  if ((roCompat & RO_COMPAT_METADATA_CSUM) !== 0) {
    if (crc32c(bytes.subarray(0, 0x3fc)) !== view.getUint32(0x3fc, true)) {
      throw new Ext4Fault('the checksum of its superblock is wrong');
    }
  }
  const unknown = unsupportedFeatures(incompat);
  if (unknown.length > 0) throw new Ext4Fault(`it uses ${unknown.join(', ')}, which cannot be read here`);
  const wide = (incompat & INCOMPAT.bits64) !== 0;
  const large = (low: number, high: number): number =>
    view.getUint32(low, true) + (wide ? view.getUint32(high, true) * 2 ** 32 : 0);
  const superblock: Superblock = {
    blockBytes: 1024 * 2 ** view.getUint32(0x18, true),
    blocks: large(0x4, 0x150),
    freeBlocks: large(0xc, 0x158),
    firstBlock: view.getUint32(0x14, true),
    blocksPerGroup: view.getUint32(0x20, true),
    inodes: view.getUint32(0x0, true),
    freeInodes: view.getUint32(0x10, true),
    inodesPerGroup: view.getUint32(0x28, true),
    inodeBytes: view.getUint32(0x4c, true) === 0 ? 128 : view.getUint16(0x58, true),
    descriptorBytes: wide ? Math.max(32, view.getUint16(0xfe, true)) : 32,
    label: cString(bytes.subarray(0x78, 0x88)),
    uuid: formatUuid(bytes.subarray(0x68, 0x78)),
    kind: (incompat & INCOMPAT.extents) !== 0 || wide ? 'ext4' : (compat & COMPAT_HAS_JOURNAL) !== 0 ? 'ext3' : 'ext2',
    needsRecovery: (incompat & INCOMPAT.recover) !== 0,
  };
  const plausible =
    superblock.blockBytes <= 65_536 &&
    superblock.blocks > 0 &&
    superblock.blocksPerGroup > 0 &&
    superblock.inodesPerGroup > 0 &&
    superblock.inodeBytes >= 128 &&
    superblock.inodeBytes <= superblock.blockBytes;
  if (!plausible) throw new Ext4Fault('its superblock holds impossible numbers');
  return superblock;
}

function unsupportedFeatures(incompat: number): readonly string[] {
  const names: string[] = [];
  for (let bit = 1; bit <= 0x40000000; bit *= 2) {
    if ((incompat & bit & ~READABLE_INCOMPAT) !== 0) names.push(INCOMPAT_NAMES[bit] ?? `feature 0x${bit.toString(16)}`);
  }
  return names;
}

/** First block of a group's inode table, out of the table of group descriptors. */
export function inodeTableBlock(descriptors: Uint8Array, group: number, superblock: Superblock): number {
  const start = group * superblock.descriptorBytes;
  const view = viewOf(descriptors.subarray(start, start + superblock.descriptorBytes));
  if (view.byteLength < superblock.descriptorBytes) throw new Ext4Fault(`there is no descriptor of group ${group}`);
  const high = superblock.descriptorBytes >= 64 ? view.getUint32(0x28, true) : 0;
  return view.getUint32(0x8, true) + high * 2 ** 32;
}

export type Inode = {
  readonly number: number;
  readonly kind: FileKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly diskBytes: number;
  readonly links: number;
  readonly modifiedSeconds: number;
  readonly hasExtents: boolean;
  /** i_block: an extent tree's root, block numbers, or a short link's target. */
  readonly blockArea: Uint8Array;
};

const FLAG_HUGE_FILE = 0x40000;
const FLAG_EXTENTS = 0x80000;
const KINDS: Readonly<Record<number, FileKind>> = {
  0x1000: 'fifo',
  0x2000: 'character-device',
  0x4000: 'folder',
  0x6000: 'block-device',
  0x8000: 'file',
  0xa000: 'link',
  0xc000: 'socket',
};

export function parseInode(bytes: Uint8Array, number: number, superblock: Superblock): Inode {
  const view = viewOf(bytes);
  const mode = view.getUint16(0, true);
  const kind = KINDS[mode & 0xf000];
  if (kind === undefined) throw new Ext4Fault(`inode ${number} is of no known kind (mode ${mode.toString(8)})`);
  const flags = view.getUint32(0x20, true);
  const blocks = view.getUint32(0x1c, true) + view.getUint16(0x74, true) * 2 ** 32;
  return {
    number,
    kind,
    mode: mode & 0o7777,
    uid: view.getUint16(0x2, true) + view.getUint16(0x78, true) * 65_536,
    gid: view.getUint16(0x18, true) + view.getUint16(0x7a, true) * 65_536,
    sizeBytes: view.getUint32(0x4, true) + view.getUint32(0x6c, true) * 2 ** 32,
    diskBytes: blocks * ((flags & FLAG_HUGE_FILE) === 0 ? 512 : superblock.blockBytes),
    links: view.getUint16(0x1a, true),
    modifiedSeconds: view.getInt32(0x10, true),
    hasExtents: (flags & FLAG_EXTENTS) !== 0,
    blockArea: bytes.slice(0x28, 0x28 + 60),
  };
}

/** Neighbouring blocks of a file. */
export type Extent = {
  /** Counted from the file's start. */
  readonly fileBlock: number;
  readonly blocks: number;
  /** Where they lie; undefined for blocks that were kept free for it and read as zeros. */
  readonly diskBlock?: number;
};

export type ExtentNode =
  | { readonly leaf: true; readonly extents: readonly Extent[] }
  | { readonly leaf: false; readonly children: readonly number[] };

const EXTENT_MAGIC = 0xf30a;
const MOST_EXTENT_DEPTH = 5;

export function parseExtentNode(bytes: Uint8Array, inode: number): ExtentNode {
  const view = viewOf(bytes);
  const count = view.getUint16(2, true);
  const depth = view.getUint16(6, true);
  const isRight = view.getUint16(0, true) === EXTENT_MAGIC && 12 + count * 12 <= bytes.length;
  if (!isRight || depth > MOST_EXTENT_DEPTH) throw new Ext4Fault(`the extent tree of inode ${inode} is damaged`);
  const starts = Array.from({ length: count }, (_, index) => 12 + index * 12);
  const large = (low: number, high: number): number => view.getUint32(low, true) + view.getUint16(high, true) * 2 ** 32;
  if (depth > 0) return { leaf: false, children: starts.map((at) => large(at + 4, at + 8)) };
  const extents = starts.map((at): Extent => {
    const length = view.getUint16(at + 4, true);
    const fileBlock = view.getUint32(at, true);
    // More than 32768: initialised later.
    if (length > 32_768) return { fileBlock, blocks: length - 32_768 };
    return { fileBlock, blocks: length, diskBlock: large(at + 8, at + 6) };
  });
  return { leaf: true, extents };
}

export type FolderItem = { readonly name: string; readonly inode: number };

/** The names in one block of a folder, "." and ".." left out. An index (htree) looks like unused items. */
export function parseFolderBlock(block: Uint8Array, folder: number): readonly FolderItem[] {
  const view = viewOf(block);
  const items: FolderItem[] = [];
  for (let at = 0; at + 8 <= block.length;) {
    const inode = view.getUint32(at, true);
    const length = view.getUint16(at + 4, true);
    const nameLength = view.getUint8(at + 6);
    if (length < 8 || length % 4 !== 0 || at + length > block.length || 8 + nameLength > length) {
      throw new Ext4Fault(`folder inode ${folder} has a damaged entry`);
    }
    const name = Buffer.from(block.subarray(at + 8, at + 8 + nameLength)).toString('utf8');
    if (inode !== 0 && name !== '.' && name !== '..') {
      if (name === '' || /[/\0]/.test(name)) throw new Ext4Fault(`folder inode ${folder} has an impossible name`);
      items.push({ name, inode });
    }
    at += length;
  }
  return items;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
