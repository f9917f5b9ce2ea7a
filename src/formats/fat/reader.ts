import type { Child, DataPlace, FileSystem, FileSystemFacts } from '../file-system/file-system.js';
import { DamagedFileSystem } from '../file-system/file-system.js';
import type { FileEntry } from '../file-system/file-entry.js';
import { joinPath } from '../file-system/file-entry.js';
import { PIECE_BYTES, cachedReader } from '../file-system/file-system-reader.js';
import type { FatVolume } from './boot-sector.js';
import { clusterOffset } from './boot-sector.js';
import type { FatEntry } from './directory.js';
import { parseFolder } from './directory.js';
import { FatTable } from './table.js';
import type { ReadAt } from '../../model/read-at.js';

/** Drivers take no larger folder (the specification's 65,536 entries). */
const MOST_FOLDER_BYTES = 2 ** 21;
const ROOT_ID = 0;

/** Neighbouring clusters. */
type Run = { readonly first: number; clusters: number };

/** The files of a FAT12, FAT16 or FAT32. */
export async function readFat(read: ReadAt, volume: FatVolume, sizeBytes: number): Promise<FileSystem> {
  const disk = new FatDisk(read, cachedReader(read, sizeBytes), volume);
  const facts = await disk.readFacts();
  return {
    facts,
    ignoresCase: true,
    root: () => Promise.resolve(ROOT),
    children: (folder) => disk.children(folder),
    content: (file) => disk.content(file),
    places: (file) => disk.places(file),
  };
}

const ROOT: FileEntry = {
  path: '/',
  kind: 'folder',
  sizeBytes: 0,
  diskBytes: 0,
  modifiedSeconds: 0,
  links: 1,
  id: ROOT_ID,
};

class FatDisk {
  private readonly table: FatTable;

  constructor(
    private readonly read: ReadAt,
    readNear: ReadAt,
    private readonly volume: FatVolume,
  ) {
    this.table = new FatTable(readNear, volume);
  }

  async readFacts(): Promise<FileSystemFacts> {
    const { kind, serial, sizeBytes, clusterBytes, dirty } = this.volume;
    const { label = this.volume.label } = parseFolder(await this.folderBytes(ROOT));
    let free = 0;
    await this.table.scan((_, value) => (free += value === 0 ? 1 : 0));
    const uuid = `${serial.slice(0, 4)}-${serial.slice(4)}`;
    return { kind, label, uuid, sizeBytes, freeBytes: free * clusterBytes, dirty };
  }

  async children(folder: FileEntry): Promise<readonly Child[]> {
    const { entries } = parseFolder(await this.folderBytes(folder));
    return entries.map((item) => {
      const entry = this.entryOf(item, joinPath(folder.path, item.name));
      return { name: item.name, entry: () => Promise.resolve(entry) };
    });
  }

  async *content(file: FileEntry): AsyncIterable<Uint8Array> {
    for await (const { offsetBytes, sizeBytes } of this.pieces(file)) yield await this.read(offsetBytes, sizeBytes);
  }

  async places(file: FileEntry): Promise<readonly DataPlace[]> {
    const places: DataPlace[] = [];
    for await (const place of this.pieces(file)) places.push(place);
    return places;
  }

  private async *pieces(file: FileEntry): AsyncIterable<DataPlace> {
    const { clusterBytes } = this.volume;
    let done = 0;
    for await (const { first, clusters } of this.runs(file)) {
      const sizeBytes = Math.min(clusters * clusterBytes, file.sizeBytes - done);
      yield { fileOffsetBytes: done, offsetBytes: clusterOffset(this.volume, first), sizeBytes };
      done += sizeBytes;
    }
    if (done < file.sizeBytes) {
      throw new DamagedFileSystem(`${file.path} ends ${file.sizeBytes - done} bytes too early`);
    }
  }

  /** Only as far as the file's size goes: a chain may be longer where room was taken beforehand. */
  private async *runs(file: FileEntry): AsyncIterable<Run> {
    const { clusterBytes } = this.volume;
    let left = Math.ceil(file.sizeBytes / clusterBytes);
    if (left === 0) return;
    let run: Run | undefined;
    for await (const cluster of this.table.chain(file.id)) {
      const isNext = run !== undefined && run.first + run.clusters === cluster;
      if (run !== undefined && isNext && (run.clusters + 1) * clusterBytes <= PIECE_BYTES) run.clusters += 1;
      else {
        if (run !== undefined) yield run;
        run = { first: cluster, clusters: 1 };
      }
      left -= 1;
      if (left === 0) break;
    }
    if (run !== undefined) yield run;
  }

  private async folderBytes(folder: FileEntry): Promise<Uint8Array> {
    const { root, clusterBytes } = this.volume;
    if (folder.id === ROOT_ID && !('cluster' in root)) return this.read(root.offsetBytes, root.sizeBytes);
    const first = folder.id === ROOT_ID && 'cluster' in root ? root.cluster : folder.id;
    const parts: Uint8Array[] = [];
    for await (const cluster of this.table.chain(first)) {
      if (parts.length * clusterBytes >= MOST_FOLDER_BYTES) {
        throw new DamagedFileSystem(`the folder ${folder.path} is larger than ${MOST_FOLDER_BYTES} bytes`);
      }
      parts.push(await this.read(clusterOffset(this.volume, cluster), clusterBytes));
    }
    return Buffer.concat(parts);
  }

  private entryOf(item: FatEntry, path: string): FileEntry {
    const { clusterBytes } = this.volume;
    if (item.isFolder && item.cluster === ROOT_ID) throw new DamagedFileSystem(`the folder ${path} has no place`);
    return {
      path,
      kind: item.isFolder ? 'folder' : 'file',
      sizeBytes: item.sizeBytes,
      diskBytes: item.isFolder ? clusterBytes : Math.ceil(item.sizeBytes / clusterBytes) * clusterBytes,
      modifiedSeconds: item.modifiedSeconds,
      links: 1,
      id: item.cluster,
    };
  }
}
