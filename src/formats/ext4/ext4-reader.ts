import type { ReadBytes } from '../image-delta.js';

/** Files of an ext4 that nobody has mounted: enough to look at a card that has booted. Reads only. */

const SUPERBLOCK_OFFSET = 1024;
const MAGIC = 0xef53;
const ROOT_INODE = 2;
const EXTENTS_FLAG = 0x80000;
const INLINE_FLAG = 0x1000_0000;
const EXTENT_MAGIC = 0xf30a;
const INCOMPAT_64BIT = 0x80;
const INCOMPAT_RECOVER = 0x4;
const FOLDER_MODE = 0x4000;
const LINK_MODE = 0xa000;
const MOST_LINKS = 8;
/** Files that are looked at have a few bytes. */
const LARGEST_FILE = 1024 * 1024;

export type Ext4Reader = {
  /** The journal holds what is not in its place yet: the device was not shut down in good order. */
  readonly needsRecovery: boolean;
  /** undefined where there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder; undefined where there is none. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** Where the bytes of a file lie on the disk; undefined where there is no such file, or its bytes lie in its inode. */
  places(path: string): Promise<readonly Ext4Place[] | undefined>;
};

export type Ext4Place = { readonly offsetBytes: number; readonly sizeBytes: number };

type Inode = { readonly mode: number; readonly sizeBytes: number; readonly flags: number; readonly block: Buffer };

/**
 * Opens the ext4 that begins at an offset of a disk; undefined where none does. On-disk layout:
 * https://docs.kernel.org/filesystems/ext4/
 */
export async function openExt4(read: ReadBytes, offsetBytes: number): Promise<Ext4Reader | undefined> {
  const superblock = Buffer.from(await read(offsetBytes + SUPERBLOCK_OFFSET, 1024));
  if (superblock.length < 1024 || superblock.readUInt16LE(0x38) !== MAGIC) return undefined;
  const blockBytes = 1024 << superblock.readUInt32LE(0x18);
  const inodesPerGroup = superblock.readUInt32LE(0x28);
  const inodeBytes = superblock.readUInt16LE(0x58);
  const incompatible = superblock.readUInt32LE(0x60);
  const is64 = (incompatible & INCOMPAT_64BIT) !== 0;
  const descriptorBytes = is64 ? Math.max(32, superblock.readUInt16LE(0xfe)) : 32;
  const firstDescriptor = (superblock.readUInt32LE(0x14) + 1) * blockBytes;

  const blockAt = async (number: number): Promise<Buffer> =>
    Buffer.from(await read(offsetBytes + number * blockBytes, blockBytes));

  async function inode(number: number): Promise<Inode> {
    const group = Math.floor((number - 1) / inodesPerGroup);
    const descriptor = Buffer.from(
      await read(offsetBytes + firstDescriptor + group * descriptorBytes, descriptorBytes),
    );
    const high = is64 && descriptorBytes >= 64 ? descriptor.readUInt32LE(0x28) : 0;
    const table = descriptor.readUInt32LE(0x8) + high * 2 ** 32;
    const place = offsetBytes + table * blockBytes + ((number - 1) % inodesPerGroup) * inodeBytes;
    const raw = Buffer.from(await read(place, 128));
    return {
      mode: raw.readUInt16LE(0),
      sizeBytes: raw.readUInt32LE(4),
      flags: raw.readUInt32LE(0x20),
      block: raw.subarray(0x28, 0x28 + 60),
    };
  }

  /** Runs of blocks of an extent tree, in the order of the file; holes are left out. */
  async function runs(node: Buffer): Promise<{ first: number; start: number; count: number }[]> {
    if (node.readUInt16LE(0) !== EXTENT_MAGIC) return [];
    const depth = node.readUInt16LE(6);
    const found: { first: number; start: number; count: number }[] = [];
    for (let index = 0; index < node.readUInt16LE(2); index += 1) {
      const entry = 12 + index * 12;
      if (depth > 0) {
        const child = node.readUInt32LE(entry + 4) + node.readUInt16LE(entry + 8) * 2 ** 32;
        found.push(...(await runs(await blockAt(child))));
      } else {
        const length = node.readUInt16LE(entry + 4);
        // More than 32768 blocks mean: reserved, and not written yet.
        if (length > 32_768) continue;
        const start = node.readUInt32LE(entry + 8) + node.readUInt16LE(entry + 6) * 2 ** 32;
        found.push({ first: node.readUInt32LE(entry), start, count: length });
      }
    }
    return found;
  }

  async function content(node: Inode): Promise<Buffer> {
    const sizeBytes = Math.min(node.sizeBytes, LARGEST_FILE);
    if ((node.flags & INLINE_FLAG) !== 0) return node.block.subarray(0, sizeBytes);
    const bytes = Buffer.alloc(sizeBytes);
    if ((node.flags & EXTENTS_FLAG) === 0) return bytes;
    for (const { first, start, count } of await runs(node.block)) {
      for (let index = 0; index < count && (first + index) * blockBytes < sizeBytes; index += 1) {
        (await blockAt(start + index)).copy(bytes, (first + index) * blockBytes);
      }
    }
    return bytes;
  }

  async function names(folder: Inode): Promise<Map<string, number>> {
    const bytes = await content(folder);
    const found = new Map<string, number>();
    for (let offset = 0; offset + 8 <= bytes.length;) {
      const number = bytes.readUInt32LE(offset);
      const length = bytes.readUInt16LE(offset + 4);
      if (length < 8) break;
      const name = bytes.toString('utf8', offset + 8, offset + 8 + bytes.readUInt8(offset + 6));
      if (number !== 0 && name !== '' && name !== '.' && name !== '..') found.set(name, number);
      offset += length;
    }
    return found;
  }

  async function find(path: string, links = 0): Promise<Inode | undefined> {
    let current = await inode(ROOT_INODE);
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    for (const [index, part] of parts.entries()) {
      if ((current.mode & 0xf000) !== FOLDER_MODE) return undefined;
      const number = (await names(current)).get(part);
      if (number === undefined) return undefined;
      current = await inode(number);
      if ((current.mode & 0xf000) !== LINK_MODE) continue;
      if (links >= MOST_LINKS) return undefined;
      const target = await linkTarget(current);
      const folder = target.startsWith('/') ? [] : parts.slice(0, index);
      return find([...folder, target, ...parts.slice(index + 1)].join('/'), links + 1);
    }
    return current;
  }

  /** Short targets lie in the inode. */
  async function linkTarget(link: Inode): Promise<string> {
    const bytes = link.sizeBytes < 60 ? link.block.subarray(0, link.sizeBytes) : await content(link);
    return bytes.toString('utf8');
  }

  return {
    needsRecovery: (incompatible & INCOMPAT_RECOVER) !== 0,
    async readFile(path) {
      const found = await find(path);
      return found === undefined || (found.mode & 0xf000) === FOLDER_MODE ? undefined : content(found);
    },
    async list(path) {
      const found = await find(path);
      return found === undefined || (found.mode & 0xf000) !== FOLDER_MODE
        ? undefined
        : [...(await names(found)).keys()];
    },
    async places(path) {
      const found = await find(path);
      if (found === undefined || (found.flags & EXTENTS_FLAG) === 0) return undefined;
      return (await runs(found.block)).map(({ start, count }) => ({
        offsetBytes: offsetBytes + start * blockBytes,
        sizeBytes: count * blockBytes,
      }));
    },
  };
}
