import type { Extent } from './image-delta.js';
import { SECTOR_BYTES } from './image-delta.js';
import type { ReadAt } from '../../model/read-at.js';

/** Read at once: a run of FAT entries and directory entries is looked at together. */
const BLOCK_BYTES = 4096;
const SECTORS_PER_BLOCK = BLOCK_BYTES / SECTOR_BYTES;

type Sector = { readonly original: Uint8Array | undefined; taken: Uint8Array | undefined; current: Uint8Array };

/**
 * A disk that is read once and written nowhere: what is written stays here, and can be taken out as the sectors that
 * became different.
 */
export class SectorCache {
  private readonly sectors = new Map<number, Sector>();

  constructor(private readonly source: ReadAt) {}

  /** Throws RangeError where the disk ends before that. */
  async read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array> {
    const first = Math.floor(offsetBytes / SECTOR_BYTES);
    const last = Math.floor((offsetBytes + sizeBytes - 1) / SECTOR_BYTES);
    const whole = new Uint8Array((last - first + 1) * SECTOR_BYTES);
    for (let number = first; number <= last; number += 1) {
      if (!this.sectors.has(number)) await this.load(number, last);
      const sector = this.sectors.get(number);
      if (sector === undefined) throw new RangeError(`sector ${number} lies behind the end`);
      whole.set(sector.current, (number - first) * SECTOR_BYTES);
    }
    const start = offsetBytes - first * SECTOR_BYTES;
    return whole.subarray(start, start + sizeBytes);
  }

  /** Any bytes at any place; parts of sectors keep the rest of theirs. */
  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const first = Math.floor(offsetBytes / SECTOR_BYTES);
    const last = Math.floor((offsetBytes + bytes.length - 1) / SECTOR_BYTES);
    for (let number = first; number <= last; number += 1) {
      const start = number * SECTOR_BYTES;
      const from = Math.max(offsetBytes, start);
      const to = Math.min(offsetBytes + bytes.length, start + SECTOR_BYTES);
      const current = Uint8Array.from(await this.read(start, SECTOR_BYTES));
      current.set(bytes.subarray(from - offsetBytes, to - offsetBytes), from - start);
      const sector = this.sectors.get(number);
      if (sector !== undefined) sector.current = current;
    }
  }

  /** What became different since the last call, in ascending order, neighbours joined. */
  takeChanges(): Extent[] {
    const changed = this.changedSince((sector) => sector.taken);
    for (const sector of this.sectors.values()) sector.taken = sector.current;
    return changed;
  }

  /** What is different from the disk. */
  changes(): Extent[] {
    return this.changedSince((sector) => sector.original);
  }

  private changedSince(before: (sector: Sector) => Uint8Array | undefined): Extent[] {
    const changed = [...this.sectors]
      .filter(([, sector]) => !isSame(before(sector), sector.current))
      .sort(([a], [b]) => a - b);
    const runs: { first: number; parts: Uint8Array[] }[] = [];
    for (const [number, { current }] of changed) {
      const run = runs.at(-1);
      if (run !== undefined && run.first + run.parts.length === number) run.parts.push(current);
      else runs.push({ first: number, parts: [current] });
    }
    return runs.map(({ first, parts }) => ({ offsetBytes: first * SECTOR_BYTES, bytes: Buffer.concat(parts) }));
  }

  private async load(number: number, last: number): Promise<void> {
    const first = number - (number % SECTORS_PER_BLOCK);
    const blocks = Math.ceil((last - first + 1) / SECTORS_PER_BLOCK);
    const bytes = await this.source(first * SECTOR_BYTES, blocks * BLOCK_BYTES);
    for (let index = 0; (index + 1) * SECTOR_BYTES <= bytes.length; index += 1) {
      if (this.sectors.has(first + index)) continue;
      const original = Uint8Array.from(bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES));
      this.sectors.set(first + index, { original, taken: original, current: original });
    }
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a === b || (a !== undefined && Buffer.compare(a, b) === 0);
}
