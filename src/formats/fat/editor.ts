import { UserError } from '../../errors.js';
import { DamagedFileSystem } from '../file-system.js';
import type { Extent } from '../image-delta.js';
import type { SectorCache } from '../sector-cache.js';
import type { FatVolume } from './boot-sector.js';
import { BOOT_SECTOR_BYTES, clusterOffset, parseBootSector } from './boot-sector.js';
import type { FatEntry } from './directory.js';
import { ENTRY_BYTES, findEntry, parseFolder } from './directory.js';
import type { FatTime } from './new-entry.js';
import { deletedMark, dotEntries, freeSlots, newEntry, setContent } from './new-entry.js';
import type { ChangeableBytes } from './table-changes.js';
import { TableChanges } from './table-changes.js';

/** A file of the FAT by its path ("overlays/README"); `bytes: undefined` removes it. */
export type FatChange = { readonly path: string; readonly bytes: Uint8Array | undefined };

/** `pieces`: where each `pieceBytes` of it are in the partition; `clusters` is empty for the root of a FAT12 or FAT16. */
type Folder = {
  readonly clusters: number[];
  readonly pieces: number[];
  readonly pieceBytes: number;
  bytes: Uint8Array;
};

/** What was decided for one file, to be carried out step by step. */
type Step = () => Promise<void>;

/**
 * Edits a FAT12, FAT16 or FAT32 in a SectorCache, without a driver. New content goes to free clusters, so that at every
 * moment the old file or the new one is there: see `apply`. Throws UserError `boot-partition-damaged` where a chain of
 * clusters leads nowhere.
 */
export class FatEditor {
  private readonly table: TableChanges;
  private readonly folders = new Map<string, Folder>();

  private constructor(
    private readonly cache: SectorCache,
    private readonly bytes: ChangeableBytes,
    private readonly volume: FatVolume,
  ) {
    this.table = new TableChanges(bytes, volume);
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
    return withPlainFaults(() => this.entries(path));
  }

  /** undefined for a file that is not there. */
  async read(path: string): Promise<Uint8Array | undefined> {
    return withPlainFaults(() => this.content(path));
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
      const before = await this.content(change.path);
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
    for (const cluster of old) await this.bytes.write(clusterOffset(this.volume, cluster), zeros);
    return [...steps, this.cache.takeChanges()].filter((step) => step.length > 0);
  }

  private async entries(path: string): Promise<readonly FatEntry[]> {
    const folder = await this.folder(path);
    return folder === undefined ? [] : parseFolder(folder.bytes).entries;
  }

  private async content(path: string): Promise<Uint8Array | undefined> {
    const entry = await this.find(path);
    if (entry === undefined || entry.isFolder) return undefined;
    if (entry.sizeBytes === 0) return new Uint8Array();
    const content = await this.clusterBytes(await this.table.chain(entry.cluster));
    if (content.length < entry.sizeBytes) {
      throw new DamagedFileSystem(`${path} ends ${entry.sizeBytes - content.length} bytes too early`);
    }
    return content.subarray(0, entry.sizeBytes);
  }

  private async clusterBytes(clusters: readonly number[]): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (const cluster of clusters) {
      parts.push(await this.bytes.read(clusterOffset(this.volume, cluster), this.volume.clusterBytes));
    }
    return Buffer.concat(parts);
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
    const parent = await this.folder(parentPath);
    const entry = parent && findEntry(parseFolder(parent.bytes).entries, name);
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
    if (findEntry(parseFolder(parent.bytes).entries, name) !== undefined)
      throw badPath(path, 'it is a file, not a folder');
    const [cluster = 0] = await this.table.allocate(1, path);
    const parentCluster = parentPath === '' ? 0 : (parent.clusters[0] ?? 0);
    const bytes = new Uint8Array(this.volume.clusterBytes);
    bytes.set(dotEntries(cluster, parentCluster, time));
    await this.bytes.write(clusterOffset(this.volume, cluster), bytes);
    links.push(() => this.table.link([cluster]));
    await this.addEntry(parent, name, { isFolder: true, cluster, sizeBytes: 0 }, time, links, entries);
    const folder = this.folderOf([cluster], bytes);
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
    const at = slot * ENTRY_BYTES;
    const place = (folder.pieces[Math.floor(at / folder.pieceBytes)] ?? 0) + (at % folder.pieceBytes);
    entries.push(() => this.bytes.write(place, raw));
  }

  private async find(path: string): Promise<FatEntry | undefined> {
    const [parentPath, name] = splitPath(path);
    return findEntry(await this.entries(parentPath), name);
  }

  private async folder(path: string): Promise<Folder | undefined> {
    const key = path.toLowerCase();
    const known = this.folders.get(key);
    if (known !== undefined) return known;
    const folder = path === '' ? await this.rootFolder() : await this.folderBelow(path);
    if (folder !== undefined) this.folders.set(key, folder);
    return folder;
  }

  private async rootFolder(): Promise<Folder> {
    const { root } = this.volume;
    if ('cluster' in root) return this.chainedFolder(root.cluster);
    const bytes = await this.bytes.read(root.offsetBytes, root.sizeBytes);
    return { clusters: [], pieces: [root.offsetBytes], pieceBytes: root.sizeBytes, bytes };
  }

  private async folderBelow(path: string): Promise<Folder | undefined> {
    const entry = await this.find(path);
    return entry?.isFolder === true ? this.chainedFolder(entry.cluster) : undefined;
  }

  private async chainedFolder(firstCluster: number): Promise<Folder> {
    const clusters = await this.table.chain(firstCluster);
    return this.folderOf(clusters, await this.clusterBytes(clusters));
  }

  private folderOf(clusters: number[], bytes: Uint8Array): Folder {
    const pieces = clusters.map((cluster) => clusterOffset(this.volume, cluster));
    return { clusters, pieces, pieceBytes: this.volume.clusterBytes, bytes };
  }
}

/** A place behind the end of the disk: something in the FAT points there. */
async function insideDisk<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw error instanceof RangeError ? new DamagedFileSystem(error.message) : error;
  }
}

async function withPlainFaults<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof DamagedFileSystem)) throw error;
    throw new UserError('boot-partition-damaged', `The boot partition is damaged: ${error.message}`, {
      hints: ['`fsck.fat -n` on the partition says more. Write the image again.'],
      cause: error,
    });
  }
}

function noFat(): UserError {
  return new UserError('boot-partition-not-fat32', 'The boot partition holds no FAT that can be edited', {
    hints: ['Is this the image of a Raspberry Pi? `blkid -p` and `fsck.fat -n` on the partition say more.'],
  });
}

function rootFull(name: string, entries: number): UserError {
  const message = `${name} does not fit into the boot partition: its root folder has room for ${entries} entries (FAT12, FAT16)`;
  return new UserError('boot-partition-full', message, {
    hints: ['Put it into a folder, or make the partition FAT32.'],
  });
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
