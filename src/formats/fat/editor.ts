import type { Extent } from '../delta/image-delta.js';
import type { SectorCache } from '../delta/sector-cache.js';
import type { FatVolume } from './boot-sector.js';
import { BOOT_SECTOR_BYTES, clusterOffset, parseBootSector } from './boot-sector.js';
import type { FatEntry } from './directory.js';
import { ENTRY_BYTES, findEntry, parseFolder } from './directory.js';
import { insideDisk, noFat, rootFull, withPlainFaults } from './faults.js';
import type { Folder } from './files.js';
import { FatFiles, slotOf, slotPlace } from './files.js';
import type { FatTime } from './new-entry.js';
import { deletedMark, dotEntries, freeSlots, newEntry, setContent } from './new-entry.js';
import { badPath, splitPath } from './paths.js';
import type { ChangeableBytes } from './table-changes.js';
import { TableChanges } from './table-changes.js';

/** A file of the FAT by its path ("overlays/README"); `bytes: undefined` removes it. */
export type FatChange = { readonly path: string; readonly bytes: Uint8Array | undefined };

/** What was decided for one file, to be carried out step by step. */
type Step = () => Promise<void>;

/**
 * Edits a FAT12, FAT16 or FAT32 in a SectorCache, without a driver. New content goes to free clusters, so that at every
 * moment the old file or the new one is there: see `apply`. Throws UserError `boot-partition-damaged` where a chain of
 * clusters leads nowhere.
 */
export class FatEditor {
  private readonly table: TableChanges;
  private readonly files: FatFiles;

  private constructor(
    private readonly cache: SectorCache,
    private readonly bytes: ChangeableBytes,
    private readonly volume: FatVolume,
  ) {
    this.table = new TableChanges(bytes, volume);
    this.files = new FatFiles(bytes, volume, this.table);
  }

  /**
   * @param offsetBytes where its partition begins in the cache
   * Throws UserError `boot-partition-not-fat32` where there is no FAT.
   */
  static async open(cache: SectorCache, offsetBytes: number): Promise<FatEditor> {
    const bytes: ChangeableBytes = {
      read: (offset, size) => insideDisk(() => cache.read(offsetBytes + offset, size)),
      write: (offset, content) => insideDisk(() => cache.write(offsetBytes + offset, content)),
    };
    return withPlainFaults(async () => {
      const volume = parseBootSector(await bytes.read(0, BOOT_SECTOR_BYTES));
      if (volume === undefined) throw noFat();
      return new FatEditor(cache, bytes, volume);
    });
  }

  /** Eight upper-case hex digits. */
  get serial(): string {
    return this.volume.serial;
  }

  /** Gives the volume another serial; returns what to write. */
  async setSerial(serial: string): Promise<readonly Extent[]> {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(Number.parseInt(serial, 16));
    for (const place of this.volume.serialOffsetsBytes) await this.bytes.write(place, bytes);
    return this.cache.takeChanges();
  }

  /** What is in a folder; empty for a folder that is not there. */
  async list(path = ''): Promise<readonly FatEntry[]> {
    return withPlainFaults(() => this.files.entries(path));
  }

  /** undefined for a file that is not there. */
  async read(path: string): Promise<Uint8Array | undefined> {
    return withPlainFaults(() => this.files.content(path));
  }

  /**
   * Makes the changes in the cache and returns what to write, step by step. Whoever stops between two steps leaves a
   * FAT that every driver reads: (1) content into clusters that were free, (2) these clusters marked as used,
   * (3) directory entries, the moment of change, (4) old clusters marked as free, (5) zeros over them, for they may
   * hold secrets. Throws UserError `boot-partition-full`, `boot-path-invalid`, `boot-partition-damaged`.
   */
  async apply(changes: readonly FatChange[], time: FatTime): Promise<readonly (readonly Extent[])[]> {
    return withPlainFaults(() => this.applyAll(changes, time));
  }

  private async applyAll(changes: readonly FatChange[], time: FatTime): Promise<readonly (readonly Extent[])[]> {
    const links: Step[] = [];
    const entries: Step[] = [];
    const old: number[] = [];
    for (const change of changes) {
      const before = await this.files.content(change.path);
      if (change.bytes === undefined ? before === undefined : before && Buffer.compare(before, change.bytes) === 0) {
        continue;
      }
      const entry = await this.files.find(change.path);
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
    for (const cluster of old) await this.bytes.write(clusterOffset(this.volume, cluster), zeros);
    return [...steps, this.cache.takeChanges()].filter((step) => step.length > 0);
  }

  private async put(path: string, bytes: Uint8Array, time: FatTime, links: Step[], entries: Step[]): Promise<void> {
    const [parentPath, name] = splitPath(path);
    const parent = await this.makeFolder(parentPath, time, links, entries);
    const clusters = await this.fill(bytes, path, links);
    const content = { isFolder: false, cluster: clusters[0] ?? 0, sizeBytes: bytes.length };
    const entry = findEntry(parseFolder(parent.bytes).entries, name);
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
    const parent = await this.files.folder(parentPath);
    const entry = parent && findEntry(parseFolder(parent.bytes).entries, name);
    if (parent === undefined || entry === undefined) return;
    for (let slot = entry.firstSlot; slot <= entry.slot; slot += 1) {
      const raw = Uint8Array.from(slotOf(parent, slot));
      raw.set(deletedMark());
      this.stage(parent, slot, raw, entries);
    }
  }

  private async makeFolder(path: string, time: FatTime, links: Step[], entries: Step[]): Promise<Folder> {
    const present = await this.files.folder(path);
    if (present !== undefined) return present;
    const [parentPath, name] = splitPath(path);
    const parent = await this.makeFolder(parentPath, time, links, entries);
    if (findEntry(parseFolder(parent.bytes).entries, name) !== undefined)
      throw badPath(path, 'it is a file, not a folder');
    const [cluster = 0] = await this.table.allocate(1, path);
    const parentCluster = parentPath === '' ? 0 : (parent.clusters[0] ?? 0);
    const bytes = new Uint8Array(this.volume.clusterBytes);
    bytes.set(dotEntries(cluster, parentCluster, time));
    await this.bytes.write(clusterOffset(this.volume, cluster), bytes);
    links.push(() => this.table.link([cluster]));
    await this.addEntry(parent, name, { isFolder: true, cluster, sizeBytes: 0 }, time, links, entries);
    return this.files.remember(path, cluster, bytes);
  }

  /** Puts bytes into free clusters; what is left of the last one is zeros. */
  private async fill(bytes: Uint8Array, name: string, links: Step[]): Promise<readonly number[]> {
    const { clusterBytes } = this.volume;
    const clusters = await this.table.allocate(Math.ceil(bytes.length / clusterBytes), name);
    for (const [index, cluster] of clusters.entries()) {
      const content = new Uint8Array(clusterBytes);
      content.set(bytes.subarray(index * clusterBytes, (index + 1) * clusterBytes));
      await this.bytes.write(clusterOffset(this.volume, cluster), content);
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
    const raw = newEntry(name, parseFolder(parent.bytes).entries, content, time);
    const count = raw.length / ENTRY_BYTES;
    const slot = freeSlots(parent.bytes, count);
    while ((slot + count) * ENTRY_BYTES > parent.bytes.length) await this.grow(parent, name, links);
    for (let index = 0; index < count; index += 1) {
      this.stage(parent, slot + index, raw.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES), entries);
    }
  }

  private async grow(folder: Folder, name: string, links: Step[]): Promise<void> {
    const last = folder.clusters.at(-1);
    if (last === undefined) throw rootFull(name, folder.bytes.length / ENTRY_BYTES);
    const [cluster = 0] = await this.table.allocate(1, name);
    const place = clusterOffset(this.volume, cluster);
    await this.bytes.write(place, new Uint8Array(this.volume.clusterBytes));
    links.push(() => this.table.link([cluster], last));
    folder.clusters.push(cluster);
    folder.pieces.push(place);
    folder.bytes = Buffer.concat([folder.bytes, new Uint8Array(this.volume.clusterBytes)]);
  }

  /** The folder as we know it changes now, the cache when its step comes. */
  private stage(folder: Folder, slot: number, raw: Uint8Array, entries: Step[]): void {
    folder.bytes = Uint8Array.from(folder.bytes);
    folder.bytes.set(raw, slot * ENTRY_BYTES);
    entries.push(() => this.bytes.write(slotPlace(folder, slot), raw));
  }
}
