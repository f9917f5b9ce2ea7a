import { DamagedFileSystem } from '../file-system/file-system.js';
import type { FatVolume } from './boot-sector.js';
import { clusterOffset } from './boot-sector.js';
import type { FatEntry } from './directory.js';
import { ENTRY_BYTES, findEntry, parseFolder } from './directory.js';
import { splitPath } from './paths.js';
import type { ChangeableBytes, TableChanges } from './table-changes.js';

/** `pieces`: where each `pieceBytes` of it are in the partition; `clusters` is empty for the root of a FAT12 or FAT16. */
export type Folder = {
  readonly clusters: number[];
  readonly pieces: number[];
  readonly pieceBytes: number;
  bytes: Uint8Array;
};

/** Files and folders of a FAT that is being edited, by their paths; a folder that was asked for is kept. */
export class FatFiles {
  private readonly folders = new Map<string, Folder>();

  constructor(
    private readonly bytes: ChangeableBytes,
    private readonly volume: FatVolume,
    private readonly table: TableChanges,
  ) {}

  /** What is in a folder; empty for a folder that is not there. */
  async entries(path: string): Promise<readonly FatEntry[]> {
    const folder = await this.folder(path);
    return folder === undefined ? [] : parseFolder(folder.bytes).entries;
  }

  /** undefined for a file that is not there. */
  async content(path: string): Promise<Uint8Array | undefined> {
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

  /** A folder that was made for this path. */
  remember(path: string, cluster: number, bytes: Uint8Array): Folder {
    const folder = this.folderOf([cluster], bytes);
    this.folders.set(path.toLowerCase(), folder);
    return folder;
  }

  async find(path: string): Promise<FatEntry | undefined> {
    const [parentPath, name] = splitPath(path);
    return findEntry(await this.entries(parentPath), name);
  }

  async folder(path: string): Promise<Folder | undefined> {
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

export function slotOf(folder: Folder, slot: number): Uint8Array {
  return folder.bytes.subarray(slot * ENTRY_BYTES, (slot + 1) * ENTRY_BYTES);
}

/** Where in the partition a slot of a folder is. */
export function slotPlace({ pieces, pieceBytes }: Folder, slot: number): number {
  const at = slot * ENTRY_BYTES;
  return (pieces[Math.floor(at / pieceBytes)] ?? 0) + (at % pieceBytes);
}
