import type { Child, DataPlace, FileSystem } from '../file-system/file-system.js';
import { DamagedFileSystem, UnreadFileSystem } from '../file-system/file-system.js';
import type { FileEntry } from '../file-system/file-entry.js';
import { joinPath } from '../file-system/file-entry.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { PIECE_BYTES, cachedReader, zeros } from '../file-system/file-system-reader.js';
import type { Extent } from './block-map.js';
import { fileExtents } from './block-map.js';
import type { FolderItem } from './directory.js';
import { parseFolderBlock } from './directory.js';
import { GroupTable } from './groups.js';
import type { Inode } from './inode.js';
import { ROOT_INODE, parseInode } from './inode.js';
import type { Superblock } from './superblock.js';
import type { ReadAt } from '../../model/read-at.js';

const LONGEST_LINK_BYTES = 4096;
/** A folder in an inode begins with its parent's number. */
const INLINE_FOLDER_HEADER_BYTES = 4;

/** The files of an ext2, ext3 or ext4. */
export function readExt(read: ReadAt, superblock: Superblock, sizeBytes: number): FileSystem {
  const disk = new ExtDisk(cachedReader(read, sizeBytes), read, superblock);
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
    ignoresCase: false,
    root: () => disk.root(),
    children: (folder) => disk.children(folder),
    content: (file) => disk.content(file),
    places: (file) => disk.places(file),
  };
}

class ExtDisk {
  private readonly groups: GroupTable;

  constructor(
    /** For what is small. */
    private readonly readNear: ReadAt,
    private readonly read: ReadAt,
    private readonly superblock: Superblock,
  ) {
    this.groups = new GroupTable(readNear, superblock);
  }

  async root(): Promise<FileEntry> {
    const root = await this.inode(ROOT_INODE);
    if (root.kind !== 'folder') throw new DamagedFileSystem('its root is no folder');
    return this.entryOf(root, '/');
  }

  async children(folder: FileEntry): Promise<readonly Child[]> {
    const items = await this.items(await this.inode(folder.id));
    return items.map(({ name, inode }) => ({
      name,
      entry: async () => this.entryOf(await this.inode(inode), joinPath(folder.path, name)),
    }));
  }

  async *content(file: FileEntry): AsyncIterable<Uint8Array> {
    yield* this.bytes(await this.inode(file.id));
  }

  /** Blocks that are only this file's and that nothing keeps a checksum of. */
  async places(file: FileEntry): Promise<readonly DataPlace[]> {
    const inode = await this.inode(file.id);
    if (inode.inline !== undefined) throw new UnreadFileSystem('inline_data (its content is in its inode)');
    if (inode.isSealed) throw new UnreadFileSystem('verity (its content is sealed)');
    if (this.superblock.sharesBlocks) throw new UnreadFileSystem('shared_blocks');
    const { blockBytes } = this.superblock;
    return (await this.extents(inode)).flatMap(({ fileBlock, blocks, diskBlock }): DataPlace[] => {
      const fileOffsetBytes = fileBlock * blockBytes;
      const sizeBytes = Math.min(blocks * blockBytes, inode.sizeBytes - fileOffsetBytes);
      if (diskBlock === undefined || sizeBytes <= 0) return [];
      return [{ fileOffsetBytes, offsetBytes: diskBlock * blockBytes, sizeBytes }];
    });
  }

  private async inode(number: number): Promise<Inode> {
    const { inodes, inodesPerGroup, inodeBytes, blockBytes } = this.superblock;
    if (number < 1 || number > inodes) throw new DamagedFileSystem(`there is no inode ${number}`);
    const { inodeTable } = await this.groups.group(Math.floor((number - 1) / inodesPerGroup));
    const offset = inodeTable * blockBytes + ((number - 1) % inodesPerGroup) * inodeBytes;
    return parseInode(await this.readNear(offset, inodeBytes), number, this.superblock);
  }

  private async items(folder: Inode): Promise<readonly FolderItem[]> {
    if (folder.kind !== 'folder') throw new DamagedFileSystem(`inode ${folder.number} is no folder`);
    if (folder.inline !== undefined) {
      const [area = new Uint8Array(), rest = new Uint8Array()] = folder.inline;
      return [area.subarray(INLINE_FOLDER_HEADER_BYTES), rest].flatMap((part) => parseFolderBlock(part, folder.number));
    }
    const { blockBytes } = this.superblock;
    const items: FolderItem[] = [];
    for (const { fileBlock, blocks, diskBlock } of await this.extents(folder)) {
      if (diskBlock === undefined) continue;
      for (let block = 0; block < blocks && (fileBlock + block) * blockBytes < folder.sizeBytes; block += 1) {
        items.push(...parseFolderBlock(await this.block(diskBlock + block), folder.number));
      }
    }
    return items;
  }

  private async entryOf(inode: Inode, path: string): Promise<FileEntry> {
    const target = inode.kind === 'link' && !inode.isEncrypted ? await this.target(inode) : undefined;
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
      ...(inode.isEncrypted ? { notRead: 'encrypt' } : {}),
    };
  }

  private async target(link: Inode): Promise<string> {
    if (link.sizeBytes > LONGEST_LINK_BYTES) throw new DamagedFileSystem(`link inode ${link.number} is too long`);
    if (link.isShortLink) return nameOfBytes(link.blockArea.subarray(0, link.sizeBytes));
    const parts: Uint8Array[] = [];
    for await (const part of this.bytes(link)) parts.push(part);
    return nameOfBytes(Buffer.concat(parts));
  }

  private async *bytes(inode: Inode): AsyncIterable<Uint8Array> {
    if (inode.inline !== undefined) {
      const content = Buffer.concat(inode.inline).subarray(0, inode.sizeBytes);
      yield content;
      yield* zeros(inode.sizeBytes - content.length);
      return;
    }
    const { blockBytes } = this.superblock;
    let position = 0;
    for (const { fileBlock, blocks, diskBlock } of await this.extents(inode)) {
      const start = Math.min(fileBlock * blockBytes, inode.sizeBytes);
      const size = Math.min(blocks * blockBytes, inode.sizeBytes - start);
      yield* zeros(start - position);
      if (diskBlock === undefined) yield* zeros(size);
      else {
        for (let done = 0; done < size; done += PIECE_BYTES) {
          yield await this.read(diskBlock * blockBytes + done, Math.min(PIECE_BYTES, size - done));
        }
      }
      position = start + size;
    }
    yield* zeros(inode.sizeBytes - position);
  }

  private extents(inode: Inode): Promise<readonly Extent[]> {
    return fileExtents(inode, this.superblock, (block) => this.block(block));
  }

  private async block(number: number): Promise<Uint8Array> {
    const { blocks, blockBytes } = this.superblock;
    if (number >= blocks) throw new DamagedFileSystem(`block ${number} is beyond its end`);
    return this.readNear(number * blockBytes, blockBytes);
  }
}
