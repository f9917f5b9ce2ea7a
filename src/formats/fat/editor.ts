import { UserError } from '../../errors.js';
import type { Extent } from '../image-delta.js';
import { SECTOR_BYTES } from '../image-delta.js';
import type { SectorCache } from '../sector-cache.js';
import type { FatEntry, FatTime } from './directory.js';
import {
  deletedMark,
  dotEntries,
  ENTRY_BYTES,
  findEntry,
  freeSlots,
  newEntry,
  parseDirectory,
  setContent,
} from './directory.js';
import { FatTable } from './table.js';
import type { FatVolume } from './volume.js';
import { clusterOffset, parseFatVolume } from './volume.js';

/** A file of the FAT by its path ("overlays/README"); `bytes: undefined` removes it. */
export type FatChange = { readonly path: string; readonly bytes: Uint8Array | undefined };

type Folder = { readonly clusters: number[]; bytes: Uint8Array };

/** What was decided for one file, to be carried out step by step. */
type Step = () => Promise<void>;

/**
 * Edits a FAT32 in a SectorCache, without a driver. New content goes to free clusters, so that at every moment the
 * old file or the new one is there: see `apply`.
 */
export class FatEditor {
  private readonly table: FatTable;
  private readonly folders = new Map<string, Folder>();

  private constructor(
    private readonly cache: SectorCache,
    readonly volume: FatVolume,
  ) {
    this.table = new FatTable(cache, volume);
  }

  /** Throws what parseFatVolume throws. */
  static async open(cache: SectorCache, offsetBytes: number): Promise<FatEditor> {
    return new FatEditor(cache, parseFatVolume(await cache.read(offsetBytes, SECTOR_BYTES), offsetBytes));
  }

  /** Names of a folder's files; empty for a folder that is not there. */
  async list(path = ''): Promise<readonly FatEntry[]> {
    const folder = await this.folder(path);
    return folder === undefined ? [] : parseDirectory(folder.bytes);
  }

  /** undefined for a file that is not there. */
  async read(path: string): Promise<Uint8Array | undefined> {
    const entry = await this.find(path);
    if (entry === undefined || entry.isFolder) return undefined;
    if (entry.sizeBytes === 0) return new Uint8Array();
    const parts: Uint8Array[] = [];
    for (const cluster of await this.table.chain(entry.cluster)) {
      parts.push(await this.cache.read(clusterOffset(this.volume, cluster), this.volume.clusterBytes));
    }
    return Buffer.concat(parts).subarray(0, entry.sizeBytes);
  }

  /**
   * Makes the changes in the cache and returns what to write, step by step. Whoever stops between two steps leaves a
   * FAT that every driver reads: (1) content into clusters that were free, (2) these clusters marked as used,
   * (3) directory entries, the moment of change, (4) old clusters marked as free, (5) zeros over them, for they may
   * hold secrets. Throws UserError `boot-partition-full`, `boot-path-invalid`, `boot-partition-damaged`.
   */
  async apply(changes: readonly FatChange[], time: FatTime): Promise<readonly (readonly Extent[])[]> {
    const links: Step[] = [];
    const entries: Step[] = [];
    const old: number[] = [];
    for (const change of changes) {
      const before = await this.read(change.path);
      if (change.bytes === undefined ? before === undefined : before && Buffer.compare(before, change.bytes) === 0) {
        continue;
      }
      const entry = await this.find(change.path);
      if (entry?.isFolder === true) throw badPath(change.path, 'a folder of that name is there');
      if (entry !== undefined && entry.cluster !== 0) old.push(...(await this.table.chain(entry.cluster)));
      if (change.bytes === undefined) await this.remove(change.path, entries);
      else await this.put(change.path, change.bytes, time, links, entries);
    }
    const steps = [this.cache.takeChanges()];
    for (const group of [links, entries]) {
      for (const step of group) await step();
      steps.push(this.cache.takeChanges());
    }
    await this.table.free(old);
    await this.table.updateInfo();
    steps.push(this.cache.takeChanges());
    const zeros = new Uint8Array(this.volume.clusterBytes);
    for (const cluster of old) await this.cache.write(clusterOffset(this.volume, cluster), zeros);
    return [...steps, this.cache.takeChanges()].filter((step) => step.length > 0);
  }

  private async put(path: string, bytes: Uint8Array, time: FatTime, links: Step[], entries: Step[]): Promise<void> {
    const [parentPath, name] = splitPath(path);
    const parent = await this.makeFolder(parentPath, time, links, entries);
    const clusters = await this.fill(bytes, path, links);
    const content = { isFolder: false, cluster: clusters[0] ?? 0, sizeBytes: bytes.length };
    const entry = findEntry(parseDirectory(parent.bytes), name);
    if (entry === undefined) {
      await this.addEntry(parent, name, content, time, links, entries);
    } else {
      const raw = Uint8Array.from(slotOf(parent, entry.slot));
      setContent(raw, content, time);
      this.stage(parent, entry.slot, raw, entries);
    }
  }

  private async remove(path: string, entries: Step[]): Promise<void> {
    const [parentPath, name] = splitPath(path);
    const parent = await this.folder(parentPath);
    const entry = parent && findEntry(parseDirectory(parent.bytes), name);
    if (parent === undefined || entry === undefined) return;
    for (let slot = entry.firstSlot; slot <= entry.slot; slot += 1) {
      const raw = Uint8Array.from(slotOf(parent, slot));
      raw.set(deletedMark());
      this.stage(parent, slot, raw, entries);
    }
  }

  private async makeFolder(path: string, time: FatTime, links: Step[], entries: Step[]): Promise<Folder> {
    const present = await this.folder(path);
    if (present !== undefined) return present;
    const [parentPath, name] = splitPath(path);
    const parent = await this.makeFolder(parentPath, time, links, entries);
    if (findEntry(parseDirectory(parent.bytes), name) !== undefined) throw badPath(path, 'it is a file, not a folder');
    const [cluster = 0] = await this.table.allocate(1, path);
    const parentCluster = parentPath === '' ? 0 : (parent.clusters[0] ?? 0);
    const bytes = new Uint8Array(this.volume.clusterBytes);
    bytes.set(dotEntries(cluster, parentCluster, time));
    await this.cache.write(clusterOffset(this.volume, cluster), bytes);
    links.push(() => this.table.link([cluster]));
    await this.addEntry(parent, name, { isFolder: true, cluster, sizeBytes: 0 }, time, links, entries);
    const folder = { clusters: [cluster], bytes };
    this.folders.set(path.toLowerCase(), folder);
    return folder;
  }

  /** Puts bytes into free clusters; what is left of the last one is zeros. */
  private async fill(bytes: Uint8Array, name: string, links: Step[]): Promise<readonly number[]> {
    const { clusterBytes } = this.volume;
    const clusters = await this.table.allocate(Math.ceil(bytes.length / clusterBytes), name);
    for (const [index, cluster] of clusters.entries()) {
      const content = new Uint8Array(clusterBytes);
      content.set(bytes.subarray(index * clusterBytes, (index + 1) * clusterBytes));
      await this.cache.write(clusterOffset(this.volume, cluster), content);
    }
    links.push(() => this.table.link(clusters));
    return clusters;
  }

  private async addEntry(
    parent: Folder,
    name: string,
    content: { readonly isFolder: boolean; readonly cluster: number; readonly sizeBytes: number },
    time: FatTime,
    links: Step[],
    entries: Step[],
  ): Promise<void> {
    const raw = newEntry(name, parseDirectory(parent.bytes), content, time);
    const count = raw.length / ENTRY_BYTES;
    const slot = freeSlots(parent.bytes, count);
    while ((slot + count) * ENTRY_BYTES > parent.bytes.length) await this.grow(parent, name, links);
    for (let index = 0; index < count; index += 1) {
      this.stage(parent, slot + index, raw.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES), entries);
    }
  }

  private async grow(folder: Folder, name: string, links: Step[]): Promise<void> {
    const [cluster = 0] = await this.table.allocate(1, name);
    const last = folder.clusters.at(-1);
    await this.cache.write(clusterOffset(this.volume, cluster), new Uint8Array(this.volume.clusterBytes));
    links.push(() => this.table.link([cluster], last));
    folder.clusters.push(cluster);
    folder.bytes = Buffer.concat([folder.bytes, new Uint8Array(this.volume.clusterBytes)]);
  }

  /** The folder as we know it changes now, the cache when its step comes. */
  private stage(folder: Folder, slot: number, raw: Uint8Array, entries: Step[]): void {
    folder.bytes = Uint8Array.from(folder.bytes);
    folder.bytes.set(raw, slot * ENTRY_BYTES);
    const { clusterBytes } = this.volume;
    const cluster = folder.clusters[Math.floor((slot * ENTRY_BYTES) / clusterBytes)] ?? 0;
    const place = clusterOffset(this.volume, cluster) + ((slot * ENTRY_BYTES) % clusterBytes);
    entries.push(() => this.cache.write(place, raw));
  }

  private async find(path: string): Promise<FatEntry | undefined> {
    const [parentPath, name] = splitPath(path);
    return findEntry(await this.list(parentPath), name);
  }

  private async folder(path: string): Promise<Folder | undefined> {
    const key = path.toLowerCase();
    const known = this.folders.get(key);
    if (known !== undefined) return known;
    const entry = path === '' ? undefined : await this.find(path);
    if (path !== '' && entry?.isFolder !== true) return undefined;
    const clusters = await this.table.chain(entry?.cluster ?? this.volume.rootCluster);
    const parts: Uint8Array[] = [];
    for (const cluster of clusters) {
      parts.push(await this.cache.read(clusterOffset(this.volume, cluster), this.volume.clusterBytes));
    }
    const folder = { clusters, bytes: Buffer.concat(parts) };
    this.folders.set(key, folder);
    return folder;
  }
}

function slotOf(folder: Folder, slot: number): Uint8Array {
  return folder.bytes.subarray(slot * ENTRY_BYTES, (slot + 1) * ENTRY_BYTES);
}

const LONGEST_NAME = 255;

/** Folder ('' for the root) and name. Throws UserError `boot-path-invalid` for what FAT cannot hold. */
function splitPath(path: string): readonly [string, string] {
  const names = path.split('/');
  const bad = names.find(
    (name) => name === '' || name.length > LONGEST_NAME || /[\p{Cc}"*:<>?\\|]|^\.{1,2}$|[ .]$/u.test(name),
  );
  if (bad !== undefined) throw badPath(path, `"${bad}" cannot be a name on a FAT partition`);
  return [names.slice(0, -1).join('/'), names.at(-1) ?? ''];
}

function badPath(path: string, reason: string): UserError {
  return new UserError('boot-path-invalid', `${path} cannot be written to the boot partition: ${reason}`, {
    hints: ['Write the path from the root of the partition, like overlays/my.dtbo.'],
  });
}
