import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem } from '../file-system/file-system.js';

export type FolderItem = { readonly name: string; readonly inode: number };

const HEADER_BYTES = 8;

/**
 * The names in one block of a folder (Documentation/filesystems/ext4/directory.rst), "." and ".." left out. An index
 * (htree) and a checksum look like unused items.
 */
export function parseFolderBlock(block: Uint8Array, folder: number): readonly FolderItem[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const items: FolderItem[] = [];
  for (let at = 0; at + HEADER_BYTES <= block.length;) {
    const inode = view.getUint32(at, true);
    const length = entryLength(view.getUint16(at + 4, true), block.length);
    const nameBytes = view.getUint8(at + 6);
    if (length < HEADER_BYTES || length % 4 !== 0 || at + length > block.length || HEADER_BYTES + nameBytes > length) {
      throw new DamagedFileSystem(`folder inode ${folder} has a damaged entry`);
    }
    const name = nameOfBytes(block.subarray(at + HEADER_BYTES, at + HEADER_BYTES + nameBytes));
    if (inode !== 0 && name !== '.' && name !== '..') items.push({ name, inode });
    at += length;
  }
  return items;
}

/** Blocks of 64 KiB: their whole length does not fit into 16 bits (ext4_rec_len_from_disk). */
function entryLength(field: number, blockBytes: number): number {
  if (blockBytes < 65_536) return field;
  return field === 0xffff || field === 0 ? blockBytes : (field & 0xfffc) | ((field & 3) << 16);
}
