import type { FileEntry } from './file-entry.js';
import type { FileSystemFacts } from './file-system.js';
import { ReswarmError } from '../errors.js';

/** Bytes of a partition, counted from its start. */
export type ReadBytes = (offsetBytes: number, sizeBytes: number) => Promise<Uint8Array>;

/** A file system that is read where it lies: nothing is mounted, nothing is written. */
export type FileSystemReader = {
  readonly facts: FileSystemFacts;
  /** Every name, folders before what lies in them; the root "/" first. */
  entries(): Promise<readonly FileEntry[]>;
  /** A file's bytes; holes are zeros. */
  content(entry: FileEntry): AsyncIterable<Uint8Array>;
};

/** Longer pieces of a file are handed out in parts of this size. */
export const PIECE_BYTES = 2 ** 20;

const CHUNK_BYTES = 2 ** 16;
const MOST_CHUNKS = 512;

/** Small reads that lie near each other cost one read of the disk. For metadata; `sizeBytes` is where the partition ends. */
export function cachedReader(read: ReadBytes, sizeBytes: number): ReadBytes {
  const chunks = new Map<number, Promise<Uint8Array>>();
  const chunk = (index: number): Promise<Uint8Array> => {
    const known = chunks.get(index);
    if (known !== undefined) return known;
    const start = index * CHUNK_BYTES;
    const loading = read(start, Math.min(CHUNK_BYTES, sizeBytes - start));
    const oldest = chunks.size < MOST_CHUNKS ? undefined : chunks.keys().next().value;
    if (oldest !== undefined) chunks.delete(oldest);
    chunks.set(index, loading);
    return loading;
  };
  return async (offset, size) => {
    if (offset + size > sizeBytes) return read(offset, size);
    const first = Math.floor(offset / CHUNK_BYTES);
    const last = Math.floor((offset + size - 1) / CHUNK_BYTES);
    if (first === last) {
      const start = offset - first * CHUNK_BYTES;
      return (await chunk(first)).subarray(start, start + size);
    }
    return read(offset, size);
  };
}

export function corrupt(what: string, why: string, cause?: unknown): ReswarmError {
  return new ReswarmError('file-system-corrupt', `${what} is damaged: ${why}`, {
    hints: ['Copy or build the image again; of a card, make a copy and let fsck look at it.'],
    ...(cause === undefined ? {} : { cause }),
  });
}
