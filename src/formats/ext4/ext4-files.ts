import type { Extent, Inode, Superblock } from './ext4-disk.js';
import {
  Ext4Fault,
  ROOT_INODE,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_OFFSET,
  inodeTableBlock,
  isExt,
  parseExtentNode,
  parseFolderBlock,
  parseInode,
  parseSuperblock,
} from './ext4-disk.js';
import type { FileEntry } from '../file-entry.js';
import { joinPath } from '../file-entry.js';
import type { FileSystemReader, ReadBytes } from '../file-system-reader.js';
import { PIECE_BYTES, cachedReader, corrupt } from '../file-system-reader.js';

/** Shorter targets lie in the inode. */
const INLINE_LINK_BYTES = 60;
const LONGEST_LINK_BYTES = 4096;

/**
 * The ext2, ext3 or ext4 of a partition; undefined when it holds none.
 * @param name what to call it when something is wrong: "partition 2 of x.img"
 * @throws ReswarmError `file-system-corrupt`, now or while it is read
 */
export async function readExt4(
  read: ReadBytes,
  sizeBytes: number,
  name: string,
): Promise<FileSystemReader | undefined> {
  if (sizeBytes < SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES) return undefined;
  const bytes = await read(SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
  if (!isExt(bytes)) return undefined;
  const superblock = told(name, () => parseSuperblock(bytes));
  if (superblock.blocks * superblock.blockBytes > sizeBytes) {
    throw corrupt(
      `The ext4 of ${name}`,
      `it says that it has ${superblock.blocks * superblock.blockBytes} bytes, its partition has ${sizeBytes}`,
    );
  }
  const disk = new Ext4Disk(cachedReader(read, sizeBytes), read, superblock, name);
  return {
    facts: {
      kind: superblock.kind,
      label: superblock.label,
      uuid: superblock.uuid,
      sizeBytes: superblock.blocks * superblock.blockBytes,
      freeBytes: superblock.freeBlocks * superblock.blockBytes,
      inodes: { total: superblock.inodes, free: superblock.freeInodes },
      dirty: superblock.needsRecovery,
    },
    entries: () => disk.entries(),
    content: (entry) => disk.content(entry),
  };
}

function told<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Ext4Fault || error instanceof RangeError
      ? corrupt(`The ext4 of ${name}`, error.message, error)
      : error;
  }
}

class Ext4Disk {
  private descriptors: Promise<Uint8Array> | undefined;

  constructor(
    /** For what is small. */
    private readonly readNear: ReadBytes,
    private readonly read: ReadBytes,
    private readonly superblock: Superblock,
    private readonly name: string,
  ) {}

  async entries(): Promise<readonly FileEntry[]> {
    const root = await this.inode(ROOT_INODE);
    const found: FileEntry[] = [entryOf(root, '/')];
    const seen = new Set<number>([ROOT_INODE]);
    // A queue that grows while it is worked on.
    const folders: { readonly path: string; readonly inode: Inode }[] = [{ path: '/', inode: root }];
    for (const folder of folders) {
      for (const item of await this.items(folder.inode)) {
        const path = joinPath(folder.path, item.name);
        const inode = await this.inode(item.inode);
        found.push(entryOf(inode, path, inode.kind === 'link' ? await this.target(inode) : undefined));
        if (inode.kind !== 'folder') continue;
        if (seen.has(inode.number)) throw this.damaged(`the folder ${path} is there twice`);
        seen.add(inode.number);
        folders.push({ path, inode });
      }
    }
    return found;
  }

  async *content(entry: FileEntry): AsyncIterable<Uint8Array> {
    const inode = await this.inode(entry.id);
    yield* this.bytes(inode);
  }

  private async items(folder: Inode): Promise<readonly { readonly name: string; readonly inode: number }[]> {
    const { blockBytes } = this.superblock;
    const items = new Map<string, number>();
    for (const extent of await this.extents(folder)) {
      if (extent.diskBlock === undefined) continue;
      for (let block = 0; block < extent.blocks; block += 1) {
        if ((extent.fileBlock + block) * blockBytes >= folder.sizeBytes) break;
        const bytes = await this.readNear((extent.diskBlock + block) * blockBytes, blockBytes);
        for (const { name, inode } of told(this.name, () => parseFolderBlock(bytes, folder.number))) {
          if (items.has(name)) throw this.damaged(`folder inode ${folder.number} holds "${name}" twice`);
          items.set(name, inode);
        }
      }
    }
    return [...items].map(([name, inode]) => ({ name, inode }));
  }

  private async inode(number: number): Promise<Inode> {
    const { inodes, inodesPerGroup, inodeBytes, blockBytes } = this.superblock;
    if (number < 1 || number > inodes) throw this.damaged(`there is no inode ${number}`);
    const group = Math.floor((number - 1) / inodesPerGroup);
    const descriptors = await this.groupDescriptors();
    const table = told(this.name, () => inodeTableBlock(descriptors, group, this.superblock));
    const bytes = await this.readNear(table * blockBytes + ((number - 1) % inodesPerGroup) * inodeBytes, inodeBytes);
    return told(this.name, () => parseInode(bytes, number, this.superblock));
  }

  private groupDescriptors(): Promise<Uint8Array> {
    const { blocks, blocksPerGroup, firstBlock, blockBytes, descriptorBytes } = this.superblock;
    const groups = Math.ceil((blocks - firstBlock) / blocksPerGroup);
    this.descriptors ??= this.read((firstBlock + 1) * blockBytes, groups * descriptorBytes);
    return this.descriptors;
  }

  private async target(link: Inode): Promise<string> {
    if (link.sizeBytes > LONGEST_LINK_BYTES) throw this.damaged(`link inode ${link.number} is too long`);
    if (link.sizeBytes < INLINE_LINK_BYTES && !link.hasExtents) {
      return Buffer.from(link.blockArea.subarray(0, link.sizeBytes)).toString('utf8');
    }
    const parts: Uint8Array[] = [];
    for await (const part of this.bytes(link)) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
  }

  private async *bytes(inode: Inode): AsyncIterable<Uint8Array> {
    const { blockBytes } = this.superblock;
    let position = 0;
    for (const extent of await this.extents(inode)) {
      yield* zeros(Math.min(extent.fileBlock * blockBytes, inode.sizeBytes) - position);
      position = Math.max(position, Math.min(extent.fileBlock * blockBytes, inode.sizeBytes));
      const size = Math.min(extent.blocks * blockBytes, inode.sizeBytes - position);
      if (extent.diskBlock === undefined) yield* zeros(size);
      else {
        for (let done = 0; done < size; done += PIECE_BYTES) {
          yield await this.read(extent.diskBlock * blockBytes + done, Math.min(PIECE_BYTES, size - done));
        }
      }
      position += Math.max(0, size);
    }
    yield* zeros(inode.sizeBytes - position);
  }

  /** In the order of the file. */
  private async extents(inode: Inode): Promise<readonly Extent[]> {
    if (!inode.hasExtents) return this.mappedBlocks(inode);
    const found: Extent[] = [];
    const nodes: Uint8Array[] = [inode.blockArea];
    let visited = 0;
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const bytes = node;
      const parsed = told(this.name, () => parseExtentNode(bytes, inode.number));
      if (parsed.leaf) {
        found.push(...parsed.extents);
        continue;
      }
      visited += parsed.children.length;
      if (visited > this.superblock.blocks) throw this.damaged(`the extent tree of inode ${inode.number} is damaged`);
      for (const child of parsed.children.toReversed()) nodes.push(await this.block(child));
    }
    for (const { diskBlock = 0, blocks } of found) {
      if (diskBlock + blocks > this.superblock.blocks) {
        throw this.damaged(`inode ${inode.number} has blocks beyond the end of the file system`);
      }
    }
    return found.sort((a, b) => a.fileBlock - b.fileBlock);
  }

  /** ext2 and ext3: twelve block numbers, then trees of one, two and three levels. */
  private async mappedBlocks(inode: Inode): Promise<readonly Extent[]> {
    if (inode.kind !== 'file' && inode.kind !== 'folder' && inode.kind !== 'link') return [];
    const { blockBytes } = this.superblock;
    const wanted = Math.ceil(inode.sizeBytes / blockBytes);
    const perBlock = blockBytes / 4;
    const found: Extent[] = [];
    const add = async (number: number, level: number, fileBlock: number): Promise<void> => {
      if (number === 0 || fileBlock >= wanted) return;
      if (level === 0) {
        const last = found.at(-1);
        const isNext =
          last?.diskBlock !== undefined &&
          last.fileBlock + last.blocks === fileBlock &&
          last.diskBlock + last.blocks === number;
        if (isNext) found[found.length - 1] = { ...last, blocks: last.blocks + 1 };
        else found.push({ fileBlock, blocks: 1, diskBlock: number });
        return;
      }
      const block = await this.block(number);
      for (const [index, child] of numbers(block).entries()) {
        await add(child, level - 1, fileBlock + index * perBlock ** (level - 1));
      }
    };
    let fileBlock = 0;
    for (const [index, number] of numbers(inode.blockArea).entries()) {
      const level = Math.max(0, index - 11);
      await add(number, level, fileBlock);
      fileBlock += perBlock ** level;
    }
    return found;
  }

  private async block(number: number): Promise<Uint8Array> {
    const { blocks, blockBytes } = this.superblock;
    if (number >= blocks) throw this.damaged(`block ${number} lies beyond its end`);
    return this.readNear(number * blockBytes, blockBytes);
  }

  private damaged(why: string): Error {
    return corrupt(`The ext4 of ${this.name}`, why);
  }
}

function entryOf(inode: Inode, path: string, target?: string): FileEntry {
  return {
    path,
    kind: inode.kind,
    sizeBytes: inode.sizeBytes,
    diskBytes: inode.diskBytes,
    modifiedSeconds: inode.modifiedSeconds,
    owner: { mode: inode.mode, uid: inode.uid, gid: inode.gid },
    ...(target === undefined ? {} : { target }),
    links: inode.kind === 'folder' ? 1 : inode.links,
    id: inode.number,
  };
}

function numbers(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getUint32(index * 4, true));
}

function* zeros(sizeBytes: number): Iterable<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= PIECE_BYTES) yield new Uint8Array(Math.min(PIECE_BYTES, left));
}
