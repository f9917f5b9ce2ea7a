import type { FileKind } from '../file-system/file-entry.js';
import { DamagedFileSystem } from '../file-system/file-system.js';
import type { Superblock } from './superblock.js';

/** An inode (Documentation/filesystems/ext4/inodes.rst). */
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
  readonly isEncrypted: boolean;
  /** fs-verity: its content has a signed digest and cannot change. */
  readonly isSealed: boolean;
  /** i_block: an extent tree's root, block numbers, or a short link's target. */
  readonly blockArea: Uint8Array;
  /** Content that is in the inode itself, in one or two pieces (inline_data). */
  readonly inline?: readonly Uint8Array[];
  /** Its target is in `blockArea`. */
  readonly isShortLink: boolean;
};

export const ROOT_INODE = 2;
const FLAG = { encrypted: 0x800, hugeFile: 0x40000, extents: 0x80000, verity: 0x100000, inline: 0x1000_0000 };
const PLAIN_INODE_BYTES = 128;
const BLOCK_AREA_BYTES = 60;
const ATTRIBUTE_MAGIC = 0xea02_0000;
const ATTRIBUTE_ENTRY_BYTES = 16;
const SYSTEM_ATTRIBUTE = 7;
const KINDS: Readonly<Record<number, FileKind>> = {
  0x1000: 'fifo',
  0x2000: 'character-device',
  0x4000: 'folder',
  0x6000: 'block-device',
  0x8000: 'file',
  0xa000: 'link',
  0xc000: 'socket',
};

/** @param bytes as many as the superblock gives an inode */
export function parseInode(bytes: Uint8Array, number: number, superblock: Superblock): Inode {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mode = view.getUint16(0, true);
  const kind = KINDS[mode & 0xf000];
  if (kind === undefined) {
    throw new DamagedFileSystem(`inode ${number} is of no known kind (mode ${mode.toString(8)})`);
  }
  const flags = view.getUint32(0x20, true);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const hasLargeSize = kind === 'file' || superblock.hasLargeFolders;
  const sizeBytes = view.getUint32(0x4, true) + (hasLargeSize ? view.getUint32(0x6c, true) * 2 ** 32 : 0);
  const units = view.getUint32(0x1c, true) + view.getUint16(0x74, true) * 2 ** 32;
  const diskBytes = units * (has(FLAG.hugeFile) ? superblock.blockBytes : 512);
  const blockArea = bytes.slice(0x28, 0x28 + BLOCK_AREA_BYTES);
  const hasAttributeBlock = view.getUint32(0x68, true) !== 0 || view.getUint16(0x76, true) !== 0;
  const attributeBytes = hasAttributeBlock ? superblock.blocksPerCluster * superblock.blockBytes : 0;
  return {
    number,
    kind,
    mode: mode & 0o7777,
    uid: view.getUint16(0x2, true) + view.getUint16(0x78, true) * 65_536,
    gid: view.getUint16(0x18, true) + view.getUint16(0x7a, true) * 65_536,
    sizeBytes,
    diskBytes,
    links: view.getUint16(0x1a, true),
    modifiedSeconds: view.getInt32(0x10, true) + epochSeconds(view),
    hasExtents: has(FLAG.extents),
    isEncrypted: has(FLAG.encrypted),
    isSealed: has(FLAG.verity),
    blockArea,
    ...(has(FLAG.inline) ? { inline: [blockArea, inlineRest(bytes, number)] } : {}),
    // As ext4_inode_is_fast_symlink has it (fs/ext4/inode.c).
    isShortLink:
      kind === 'link' &&
      !has(FLAG.inline) &&
      sizeBytes < BLOCK_AREA_BYTES &&
      (superblock.hasAttributeInodes || diskBytes - attributeBytes === 0),
  };
}

/** How many bytes behind the first 128 mean something. */
function extraBytes(view: DataView): number {
  return view.byteLength >= PLAIN_INODE_BYTES + 4 ? view.getUint16(PLAIN_INODE_BYTES, true) : 0;
}

/** Two more bits of the time of change, after 2038. */
function epochSeconds(view: DataView): number {
  const place = 0x88;
  return extraBytes(view) >= place + 4 - PLAIN_INODE_BYTES && view.byteLength >= place + 4
    ? (view.getUint32(place, true) & 3) * 2 ** 32
    : 0;
}

/** inline_data: what does not fit into i_block is the attribute "system.data" behind the inode's fields. */
function inlineRest(bytes: Uint8Array, inode: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = PLAIN_INODE_BYTES + extraBytes(view);
  if (header + 8 > bytes.length || view.getUint32(header, true) !== ATTRIBUTE_MAGIC) return new Uint8Array();
  const first = header + 4;
  for (let at = first; at + ATTRIBUTE_ENTRY_BYTES <= bytes.length && view.getUint32(at, true) !== 0;) {
    const nameBytes = view.getUint8(at);
    const name = Buffer.from(bytes.subarray(at + ATTRIBUTE_ENTRY_BYTES, at + ATTRIBUTE_ENTRY_BYTES + nameBytes));
    if (view.getUint8(at + 1) === SYSTEM_ATTRIBUTE && name.toString('latin1') === 'data') {
      const start = first + view.getUint16(at + 2, true);
      const size = view.getUint32(at + 8, true);
      if (start + size > bytes.length) {
        throw new DamagedFileSystem(`the content in inode ${inode} goes beyond its end`);
      }
      return bytes.slice(start, start + size);
    }
    at += ATTRIBUTE_ENTRY_BYTES + Math.ceil(nameBytes / 4) * 4;
  }
  return new Uint8Array();
}
