import { UserError } from '../../errors.js';
import { formatSize } from '../../model/bytes.js';
import type { FatVolume } from './boot-sector.js';
import { FIRST_CLUSTER, isDataCluster } from './boot-sector.js';
import { FatTable, encodeEntry, entryPlace } from './table.js';

/** Bytes of a partition that can be changed. */
export type ChangeableBytes = {
  read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array>;
  write(offsetBytes: number, bytes: Uint8Array): Promise<void>;
};

const END_OF_CHAIN = { fat12: 0xfff, fat16: 0xffff, fat32: 0x0fff_ffff } as const;
/** FSInfo: free clusters and where to look for the next one. */
const FREE_COUNT = 488;
const NEXT_FREE = 492;
const INFO_BYTES = 512;
const INFO_SIGNATURE = 484;
const UNKNOWN = 0xffff_ffff;

/** Which clusters a change takes and gives back. */
export class TableChanges {
  private readonly table: FatTable;
  private readonly reserved = new Set<number>();
  private freed = 0;
  private used = 0;
  private last: number | undefined;

  constructor(
    private readonly bytes: ChangeableBytes,
    private readonly volume: FatVolume,
  ) {
    this.table = new FatTable((offset, size) => bytes.read(offset, size), volume);
  }

  /** All clusters of a file or folder. Throws DamagedFileSystem for a chain that does not end. */
  async chain(firstCluster: number): Promise<number[]> {
    const clusters: number[] = [];
    for await (const cluster of this.table.chain(firstCluster)) clusters.push(cluster);
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
      if (!this.reserved.has(cluster) && (await this.table.get(cluster)) === 0) found.push(cluster);
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
    for (const [index, cluster] of clusters.entries())
      await this.set(cluster, clusters[index + 1] ?? END_OF_CHAIN[this.volume.kind]);
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
    await this.bytes.write(infoOffsetBytes + FREE_COUNT, update);
  }

  private async hint(): Promise<number> {
    const { infoOffsetBytes } = this.volume;
    const view = infoOffsetBytes === undefined ? undefined : await this.info(infoOffsetBytes);
    const next = view?.getUint32(NEXT_FREE, true) ?? FIRST_CLUSTER;
    return isDataCluster(this.volume, next) ? next : FIRST_CLUSTER;
  }

  private async info(offsetBytes: number): Promise<DataView | undefined> {
    const sector = await this.bytes.read(offsetBytes, INFO_BYTES);
    const view = new DataView(sector.buffer, sector.byteOffset, sector.length);
    return view.getUint32(INFO_SIGNATURE, true) === 0x6141_7272 ? view : undefined;
  }

  private async set(cluster: number, value: number): Promise<void> {
    const { kind, tableOffsetsBytes } = this.volume;
    const { offsetBytes, sizeBytes } = entryPlace(kind, cluster);
    for (const table of tableOffsetsBytes) {
      const before = await this.bytes.read(table + offsetBytes, sizeBytes);
      await this.bytes.write(table + offsetBytes, encodeEntry(kind, cluster, value, before));
    }
  }
}
