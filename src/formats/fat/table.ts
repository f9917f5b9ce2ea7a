import { UserError } from '../../errors.js';
import { formatSize } from '../../model/bytes.js';
import type { SectorCache } from '../sector-cache.js';
import type { FatVolume } from './volume.js';
import { FIRST_CLUSTER, isDataCluster } from './volume.js';

const ENTRY_BYTES = 4;
/** The upper four bits of an entry belong to nobody and stay as they are. */
const ENTRY_MASK = 0x0fff_ffff;
const END_OF_CHAIN = 0x0fff_ffff;
const FIRST_END_MARK = 0x0fff_fff8;
/** FSInfo: free clusters and where to look for the next one. */
const FREE_COUNT = 488;
const NEXT_FREE = 492;
const INFO_SIGNATURE = 484;
const UNKNOWN = 0xffff_ffff;

/** The file allocation table of a volume: chains of clusters, and which clusters are free. */
export class FatTable {
  private readonly reserved = new Set<number>();
  private freed = 0;
  private used = 0;
  private last: number | undefined;

  constructor(
    private readonly cache: SectorCache,
    private readonly volume: FatVolume,
  ) {}

  /** All clusters of a file or folder. Throws UserError `boot-partition-damaged` for a chain that does not end. */
  async chain(firstCluster: number): Promise<number[]> {
    const clusters: number[] = [];
    const seen = new Set<number>();
    for (let cluster = firstCluster; cluster < FIRST_END_MARK; cluster = await this.get(cluster)) {
      if (!isDataCluster(this.volume, cluster) || seen.has(cluster)) throw damaged(cluster);
      seen.add(cluster);
      clusters.push(cluster);
    }
    return clusters;
  }

  /**
   * Free clusters, which are from then on nobody else's; the table itself is written by `link`. Throws UserError
   * `boot-partition-full`.
   */
  async allocate(count: number, name: string): Promise<number[]> {
    const found: number[] = [];
    const start = this.last ?? (await this.hint());
    for (let step = 0; step < this.volume.clusters && found.length < count; step += 1) {
      const cluster = FIRST_CLUSTER + ((start - FIRST_CLUSTER + step) % this.volume.clusters);
      if (!this.reserved.has(cluster) && (await this.get(cluster)) === 0) found.push(cluster);
    }
    if (found.length < count) {
      const { clusterBytes } = this.volume;
      const message = `${name} needs ${formatSize(count * clusterBytes)}, and the boot partition has ${formatSize(found.length * clusterBytes)} free`;
      throw new UserError('boot-partition-full', message, {
        hints: ['Make the file smaller, or build the image with a larger partitions.boot.size.'],
      });
    }
    for (const cluster of found) this.reserved.add(cluster);
    this.last = found.at(-1) ?? this.last;
    return found;
  }

  /** Makes a chain of clusters that `allocate` gave; `after` is the chain's last cluster so far. */
  async link(clusters: readonly number[], after?: number): Promise<void> {
    for (const [index, cluster] of clusters.entries()) await this.set(cluster, clusters[index + 1] ?? END_OF_CHAIN);
    if (after !== undefined && clusters[0] !== undefined) await this.set(after, clusters[0]);
    this.used += clusters.length;
  }

  async free(clusters: readonly number[]): Promise<void> {
    for (const cluster of clusters) await this.set(cluster, 0);
    this.freed += clusters.length;
  }

  /** FSInfo is a hint to drivers; fsck compares it all the same. */
  async updateInfo(): Promise<void> {
    const { infoOffsetBytes } = this.volume;
    if (infoOffsetBytes === undefined || (this.used === 0 && this.freed === 0)) return;
    const view = await this.info(infoOffsetBytes);
    if (view === undefined) return;
    const free = view.getUint32(FREE_COUNT, true);
    const update = Buffer.alloc(8);
    update.writeUInt32LE(free === UNKNOWN ? UNKNOWN : Math.max(0, free - this.used + this.freed));
    update.writeUInt32LE(this.last ?? view.getUint32(NEXT_FREE, true), 4);
    await this.cache.write(infoOffsetBytes + FREE_COUNT, update);
  }

  private async hint(): Promise<number> {
    const { infoOffsetBytes } = this.volume;
    const view = infoOffsetBytes === undefined ? undefined : await this.info(infoOffsetBytes);
    const next = view?.getUint32(NEXT_FREE, true) ?? FIRST_CLUSTER;
    return isDataCluster(this.volume, next) ? next : FIRST_CLUSTER;
  }

  private async info(offsetBytes: number): Promise<DataView | undefined> {
    const sector = await this.cache.read(offsetBytes, 512);
    const view = new DataView(sector.buffer, sector.byteOffset, sector.length);
    return view.getUint32(INFO_SIGNATURE, true) === 0x6141_7272 ? view : undefined;
  }

  private async get(cluster: number): Promise<number> {
    const [table = 0] = this.volume.tableOffsetsBytes;
    const entry = await this.cache.read(table + cluster * ENTRY_BYTES, ENTRY_BYTES);
    return Buffer.from(entry).readUInt32LE() & ENTRY_MASK;
  }

  private async set(cluster: number, value: number): Promise<void> {
    for (const table of this.volume.tableOffsetsBytes) {
      const place = table + cluster * ENTRY_BYTES;
      const entry = Buffer.from(await this.cache.read(place, ENTRY_BYTES));
      entry.writeUInt32LE(((entry.readUInt32LE() & ~ENTRY_MASK) | value) >>> 0);
      await this.cache.write(place, entry);
    }
  }
}

function damaged(cluster: number): UserError {
  return new UserError('boot-partition-damaged', `The boot partition is damaged: a chain leads to cluster ${cluster}`, {
    hints: ['`fsck.fat -n` on the partition says more. Write the image anew.'],
  });
}
