import { DamagedFileSystem } from '../file-system/file-system.js';
import type { FatVolume } from './boot-sector.js';
import { FIRST_CLUSTER, isDataCluster } from './boot-sector.js';
import type { ReadAt } from '../../model/read-at.js';

/** An entry is free at 0; from the first end mark on it ends a chain; the number before that marks a bad cluster. */
const FIRST_END_MARK = { fat12: 0xff8, fat16: 0xfff8, fat32: 0x0fff_fff8 } as const;
const ENTRY_MASK = { fat12: 0xfff, fat16: 0xffff, fat32: 0x0fff_ffff } as const;
/** Whole entries of every kind: a multiple of 3 and of 4. */
const PIECE_BYTES = 3 * 2 ** 18;

/** Where the entry of a cluster is in its table, in bytes; FAT12's entries take one and a half. */
export function entryPlace(kind: FatVolume['kind'], cluster: number): { offsetBytes: number; sizeBytes: number } {
  if (kind === 'fat32') return { offsetBytes: cluster * 4, sizeBytes: 4 };
  if (kind === 'fat16') return { offsetBytes: cluster * 2, sizeBytes: 2 };
  return { offsetBytes: Math.floor(cluster * 1.5), sizeBytes: 2 };
}

/** @param at where the entry begins in `bytes` */
export function decodeEntry(kind: FatVolume['kind'], cluster: number, bytes: Uint8Array, at = 0): number {
  const pair = (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 2 ** 8;
  if (kind === 'fat32')
    return (pair + (bytes[at + 2] ?? 0) * 2 ** 16 + (bytes[at + 3] ?? 0) * 2 ** 24) & ENTRY_MASK.fat32;
  if (kind === 'fat16') return pair;
  return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
}

/** The entry's bytes with another value; bits that do not belong to it stay. */
export function encodeEntry(kind: FatVolume['kind'], cluster: number, value: number, before: Uint8Array): Uint8Array {
  const bytes = Buffer.from(before);
  const old = bytes.readUIntLE(0, bytes.length);
  const shift = kind === 'fat12' && cluster % 2 === 1 ? 4 : 0;
  const mask = ENTRY_MASK[kind] * 2 ** shift;
  bytes.writeUIntLE(((old & ~mask) | (value * 2 ** shift)) >>> 0, 0, bytes.length);
  return bytes;
}

/** The file allocation table of a volume: which cluster follows which. Throws DamagedFileSystem. */
export class FatTable {
  constructor(
    private readonly read: ReadAt,
    private readonly volume: FatVolume,
  ) {}

  async get(cluster: number): Promise<number> {
    const { kind, tableOffsetsBytes } = this.volume;
    const { offsetBytes, sizeBytes } = entryPlace(kind, cluster);
    return decodeEntry(kind, cluster, await this.read((tableOffsetsBytes[0] ?? 0) + offsetBytes, sizeBytes));
  }

  /** The clusters of a file or folder, one after the other; ends where the chain does, which nobody has to wait for. */
  async *chain(firstCluster: number): AsyncIterable<number> {
    const seen = new Set<number>();
    for (let cluster = firstCluster; cluster < FIRST_END_MARK[this.volume.kind]; cluster = await this.get(cluster)) {
      if (!isDataCluster(this.volume, cluster)) {
        throw new DamagedFileSystem(`a chain of clusters leads from ${firstCluster} to ${cluster}`);
      }
      if (seen.has(cluster)) {
        throw new DamagedFileSystem(`the chain of clusters that begins at ${firstCluster} goes in circles`);
      }
      seen.add(cluster);
      yield cluster;
    }
  }

  /** Shows every data cluster's entry in turn: 0 is free. */
  async scan(visit: (cluster: number, value: number) => void): Promise<void> {
    const { kind, tableOffsetsBytes, tableBytes, clusters } = this.volume;
    const end = clusters + FIRST_CLUSTER;
    let cluster = FIRST_CLUSTER;
    for (let start = 0; cluster < end; start += PIECE_BYTES) {
      const size = Math.min(PIECE_BYTES, tableBytes - start);
      const piece = await this.read((tableOffsetsBytes[0] ?? 0) + start, size);
      for (; cluster < end; cluster += 1) {
        const { offsetBytes, sizeBytes } = entryPlace(kind, cluster);
        if (offsetBytes - start + sizeBytes > size) break;
        visit(cluster, decodeEntry(kind, cluster, piece, offsetBytes - start));
      }
    }
  }
}
