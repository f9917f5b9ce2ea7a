import type { ReadAt } from '../../model/read-at.js';
import type { FileEntry } from '../file-system/file-entry.js';
import { joinPath } from '../file-system/file-entry.js';
import type { Child, DataPlace, FileSystem, FileSystemFacts } from '../file-system/file-system.js';
import { DamagedFileSystem } from '../file-system/file-system.js';
import { PIECE_BYTES, cachedReader } from '../file-system/file-system-reader.js';
import { kindOfMode } from '../file-system/tree-file-system.js';
import type { Extent, IsoVolume } from './descriptors.js';
import { readDescriptors } from './descriptors.js';
import type { IsoRecord } from './directory.js';
import { isSelfOrParent, isoName, jolietName, readDirectory } from './directory.js';
import type { RockRidge } from './rock-ridge.js';
import { readRockRidge } from './rock-ridge.js';

/** Ids of files come after those of folders, which are blocks. */
const FIRST_FILE_ID = 2 ** 33;

/** Opens a disc. Throws DamagedFileSystem, UnreadFileSystem. */
export async function openIso9660(read: ReadAt, sizeBytes: number): Promise<FileSystem> {
  const volume = await readDescriptors(read, sizeBytes);
  const cached = cachedReader(read, sizeBytes);
  const [self] = await readDirectory(cached, volume.root, volume.blockBytes);
  const ridge = self && (await readRockRidge(self.systemUse, cached, volume.blockBytes));
  // Names of Unix where they are, else Unicode, else eight capital letters and three.
  if (ridge?.skipBytes !== undefined) return new IsoReader(read, cached, volume, 'rock-ridge', ridge.skipBytes);
  return new IsoReader(read, cached, volume, volume.jolietRoot === undefined ? 'plain' : 'joliet', 0);
}

type Names = 'rock-ridge' | 'joliet' | 'plain';

class IsoReader implements FileSystem {
  readonly ignoresCase: boolean;
  readonly facts: FileSystemFacts;
  private readonly extents = new Map<number, readonly Extent[]>();

  constructor(
    private readonly read: ReadAt,
    private readonly cached: ReadAt,
    private readonly volume: IsoVolume,
    private readonly names: Names,
    private readonly skipBytes: number,
  ) {
    const { label, uuid, sizeBytes } = volume;
    this.facts = { kind: 'iso9660', label, uuid, sizeBytes, freeBytes: 0, dirty: false };
    this.ignoresCase = names !== 'rock-ridge';
  }

  async root(): Promise<FileEntry> {
    const extent = this.names === 'joliet' ? (this.volume.jolietRoot ?? this.volume.root) : this.volume.root;
    const [self] = await readDirectory(this.cached, extent, this.volume.blockBytes);
    if (self === undefined) throw new DamagedFileSystem('its root has no entries');
    return this.describe({ ...self, extents: [extent], isFolder: true }, await this.ridgeOf(self), '/');
  }

  async children(folder: FileEntry): Promise<readonly Child[]> {
    const [extent] = this.extents.get(folder.id) ?? [];
    if (extent === undefined) throw new DamagedFileSystem(`the folder ${folder.path} has no place`);
    const found: Child[] = [];
    for (const record of await readDirectory(this.cached, extent, this.volume.blockBytes)) {
      if (isSelfOrParent(record)) continue;
      const ridge = await this.ridgeOf(record);
      if (ridge?.isMoved === true) continue;
      const name = ridge?.name ?? (this.names === 'joliet' ? jolietName(record) : isoName(record));
      found.push({ name, entry: () => this.describeChild(record, ridge, joinPath(folder.path, name)) });
    }
    return found;
  }

  async *content(file: FileEntry): AsyncIterable<Uint8Array> {
    for (const { block, sizeBytes } of this.extents.get(file.id) ?? []) {
      for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
        yield await this.read(block * this.volume.blockBytes + at, Math.min(PIECE_BYTES, sizeBytes - at));
      }
    }
  }

  /** Where they are; a disc has no checksums, but nobody changes one in place. */
  places(file: FileEntry): Promise<readonly DataPlace[]> {
    let fileOffsetBytes = 0;
    const places = (this.extents.get(file.id) ?? []).map(({ block, sizeBytes }) => {
      const place = { offsetBytes: block * this.volume.blockBytes, sizeBytes, fileOffsetBytes };
      fileOffsetBytes += sizeBytes;
      return place;
    });
    return Promise.resolve(places);
  }

  private async ridgeOf({ systemUse }: IsoRecord): Promise<RockRidge | undefined> {
    if (this.names !== 'rock-ridge') return undefined;
    return readRockRidge(systemUse.subarray(this.skipBytes), this.cached, this.volume.blockBytes);
  }

  /** A folder that was moved away is described where it is: at its own "." record. */
  private async describeChild(record: IsoRecord, ridge: RockRidge | undefined, path: string): Promise<FileEntry> {
    if (ridge?.childAt === undefined) return this.describe(record, ridge, path);
    const { blockBytes } = this.volume;
    const [first] = await readDirectory(this.cached, { block: ridge.childAt, sizeBytes: blockBytes }, blockBytes);
    if (first === undefined) throw new DamagedFileSystem(`the folder ${path} is not where it was moved to`);
    const self = await this.ridgeOf(first);
    return this.describe({ ...first, isFolder: true }, self, path);
  }

  private describe(record: IsoRecord, ridge: RockRidge | undefined, path: string): FileEntry {
    const mode = ridge?.mode;
    const kind = mode === undefined ? (record.isFolder ? 'folder' : 'file') : kindOfMode(mode & 0xffff);
    const hasContent = kind === 'file' || kind === 'folder';
    const sizeBytes = hasContent ? record.extents.reduce((sum, extent) => sum + extent.sizeBytes, 0) : 0;
    const id = this.idOf(record, sizeBytes);
    if (hasContent) this.extents.set(id, record.extents);
    const { uid, gid, links, target } = ridge ?? {};
    return {
      path,
      kind,
      sizeBytes: kind === 'folder' ? 0 : sizeBytes,
      diskBytes: sizeBytes,
      modifiedSeconds: ridge?.modifiedSeconds ?? record.modifiedSeconds,
      ...(mode === undefined ? {} : { owner: { mode: mode & 0o7777, uid: uid ?? 0, gid: gid ?? 0 } }),
      ...(kind === 'link' ? { target: target ?? '' } : {}),
      links: kind === 'folder' ? 1 : (links ?? 1),
      id,
      ...(ridge?.isCompressed === true ? { notRead: 'zisofs compression' } : {}),
    };
  }

  /** Hard links have one place; empty files have none. */
  private idOf({ extents, isFolder, offsetBytes }: IsoRecord, sizeBytes: number): number {
    const block = extents[0]?.block ?? 0;
    if (isFolder) return block;
    return sizeBytes === 0 ? 2 * FIRST_FILE_ID + offsetBytes : FIRST_FILE_ID + block;
  }
}
