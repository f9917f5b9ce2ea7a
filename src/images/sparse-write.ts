import { MiB } from '../model/bytes.js';
import type { FileHandle } from 'node:fs/promises';

/** Holes are looked for in units of this size; a file system's smallest unit would cost more calls than it saves bytes. */
export const HOLE_BYTES = 64 * 1024;

/** Writes what is not zero; the rest stays a hole. At most a MiB at a time is compared. */
export async function writeData(target: FileHandle, chunk: Buffer, position: number): Promise<void> {
  let start: number | undefined;
  for (let offset = 0; offset <= chunk.length; offset += HOLE_BYTES) {
    const block = chunk.subarray(offset, offset + HOLE_BYTES);
    const isData = block.length > 0 && !block.equals(ZEROS.subarray(0, block.length));
    if (isData) start ??= offset;
    else if (start !== undefined) {
      const end = Math.min(offset, chunk.length);
      await target.write(chunk, start, end - start, position + start);
      start = undefined;
    }
  }
  if (start !== undefined) await target.write(chunk, start, chunk.length - start, position + start);
}

export const CHUNK_BYTES = MiB;

export const ZEROS = Buffer.alloc(CHUNK_BYTES);
