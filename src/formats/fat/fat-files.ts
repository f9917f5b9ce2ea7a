import type { FatItem, FatVolume } from './fat-disk.js';
import { BAD, END, FatFault, nextCluster, parseBootSector, parseFolder } from './fat-disk.js';
import type { FileEntry } from '../file-entry.js';
import { joinPath } from '../file-entry.js';
import type { FileSystemReader, ReadBytes } from '../file-system-reader.js';
import { PIECE_BYTES, corrupt } from '../file-system-reader.js';

const BOOT_SECTOR_BYTES = 512;
const MOST_TABLE_BYTES = 2 ** 28;
const MOST_FOLDER_BYTES = 2 ** 21;

/**
 * The FAT of a partition; undefined when it holds none.
 * @throws ReswarmError `file-system-corrupt`, now or while it is read
 */
export async function readFat(read: ReadBytes, sizeBytes: number, name: string): Promise<FileSystemReader | undefined> {
  if (sizeBytes < BOOT_SECTOR_BYTES) return undefined;
  const volume = parseBootSector(await read(0, BOOT_SECTOR_BYTES));
  if (volume === undefined) return undefined;
  if (volume.sizeBytes > sizeBytes || volume.fatBytes > MOST_TABLE_BYTES) {
    throw corrupt(
      `The FAT of ${name}`,
      `it says that it has ${volume.sizeBytes} bytes, its partition has ${sizeBytes}`,
    );
  }
  const table = await read(volume.fatOffsetBytes, volume.fatBytes);
  const disk = new FatDisk(read, volume, table, name);
  return disk.reader();
}

class FatDisk {
  constructor(
    private readonly read: ReadBytes,
    private readonly volume: FatVolume,
    private readonly table: Uint8Array,
    private readonly name: string,
  ) {}

  async reader(): Promise<FileSystemReader> {
    const root = parseFolder(await this.rootBytes());
    let free = 0;
    for (let cluster = 2; cluster < this.volume.clusters + 2; cluster += 1) if (this.next(cluster) === 0) free += 1;
    return {
      facts: {
        kind: this.volume.kind,
        label: root.label ?? this.volume.label,
        uuid: this.volume.serial,
        sizeBytes: this.volume.sizeBytes,
        freeBytes: free * this.volume.clusterBytes,
        dirty: this.volume.dirty,
      },
      entries: () => this.entries(),
      content: (entry) => this.content(entry),
    };
  }

  private async entries(): Promise<readonly FileEntry[]> {
    const found: FileEntry[] = [
      { path: '/', kind: 'folder', sizeBytes: 0, diskBytes: 0, modifiedSeconds: 0, links: 1, id: 0 },
    ];
    const seen = new Set<number>();
    const folders: { path: string; bytes: Uint8Array }[] = [{ path: '/', bytes: await this.rootBytes() }];
    for (const folder of folders) {
      const names = new Set<string>();
      for (const item of this.told(() => parseFolder(folder.bytes).items)) {
        const path = joinPath(folder.path, item.name);
        if (names.has(item.name)) throw this.damaged(`${path} is there twice`);
        names.add(item.name);
        found.push(this.entryOf(item, path));
        if (!item.isFolder) continue;
        if (seen.has(item.cluster)) throw this.damaged(`the folder ${path} is there twice`);
        seen.add(item.cluster);
        folders.push({ path, bytes: await this.chainBytes(item.cluster, path, MOST_FOLDER_BYTES) });
      }
    }
    return found;
  }

  private async *content(entry: FileEntry): AsyncIterable<Uint8Array> {
    const { clusterBytes } = this.volume;
    let left = entry.sizeBytes;
    if (left === 0) return;
    // Neighbouring clusters in one read.
    let run: { first: number; clusters: number } | undefined;
    for (const cluster of this.chain(entry.id, entry.path, Math.ceil(left / clusterBytes))) {
      const isNext = run !== undefined && run.first + run.clusters === cluster;
      if (run !== undefined && isNext && (run.clusters + 1) * clusterBytes <= PIECE_BYTES) run.clusters += 1;
      else {
        if (run !== undefined) {
          yield await this.readRun(run, left);
          left -= run.clusters * clusterBytes;
        }
        run = { first: cluster, clusters: 1 };
      }
    }
    if (run !== undefined) {
      yield await this.readRun(run, left);
      left -= run.clusters * clusterBytes;
    }
    if (left > 0) throw this.damaged(`${entry.path} ends ${left} bytes too early`);
  }

  private async readRun(run: { first: number; clusters: number }, left: number): Promise<Uint8Array> {
    const { clusterBytes } = this.volume;
    return this.read(this.offsetOf(run.first), Math.min(run.clusters * clusterBytes, left));
  }

  private async rootBytes(): Promise<Uint8Array> {
    const { rootFolder } = this.volume;
    if ('cluster' in rootFolder) return this.chainBytes(rootFolder.cluster, 'the root folder', MOST_FOLDER_BYTES);
    return this.read(rootFolder.offsetBytes, rootFolder.sizeBytes);
  }

  private async chainBytes(first: number, path: string, most: number): Promise<Uint8Array> {
    const { clusterBytes } = this.volume;
    const parts: Uint8Array[] = [];
    for (const cluster of this.chain(first, path, Math.floor(most / clusterBytes))) {
      parts.push(await this.read(this.offsetOf(cluster), clusterBytes));
    }
    return Buffer.concat(parts);
  }

  /** @param most a longer chain goes in circles, or belongs to another file as well */
  private *chain(first: number, path: string, most: number): Iterable<number> {
    let cluster = first;
    for (let count = 0; cluster !== END; count += 1) {
      if (cluster < 2 || cluster >= this.volume.clusters + 2 || cluster === BAD || count >= most) {
        throw this.damaged(`the cluster chain of ${path} is broken`);
      }
      yield cluster;
      cluster = this.next(cluster);
    }
  }

  private next(cluster: number): number {
    return this.told(() => nextCluster(this.table, cluster, this.volume.kind));
  }

  private offsetOf(cluster: number): number {
    return this.volume.dataOffsetBytes + (cluster - 2) * this.volume.clusterBytes;
  }

  private entryOf(item: FatItem, path: string): FileEntry {
    const { clusterBytes } = this.volume;
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

  private told<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof FatFault ? corrupt(`The FAT of ${this.name}`, error.message, error) : error;
    }
  }

  private damaged(why: string): Error {
    return corrupt(`The FAT of ${this.name}`, why);
  }
}
