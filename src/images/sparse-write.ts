import { MiB } from '../model/bytes.js';
import type { FileHandle } from 'node:fs/promises';

/** Holes are looked for in units of this size; a file system's smallest unit would cost more calls than it saves bytes. */
export const HOLE_BYTES = 64 * 1024;

/** Writes what is not zero; the rest stays a hole. At most a MiB at a time is given. */
export async function writeData(target: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let start: number | undefined;
  for (let offset = 0; offset <= chunk.length; offset += HOLE_BYTES) {
    const block = chunk.subarray(offset, offset + HOLE_BYTES);
    const isData = block.length > 0 && Buffer.compare(block, ZEROS.subarray(0, block.length)) !== 0;
    if (isData) start ??= offset;
    else if (start !== undefined) {
      const end = Math.min(offset, chunk.length);
      await writeFully(target, chunk.subarray(start, end), position + start);
      start = undefined;
    }
  }
  if (start !== undefined) await writeFully(target, chunk.subarray(start), position + start);
}

/** The kernel may take less than it is given, as a disk does that is almost full; the next write says why. */
export async function writeFully(target: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await target.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

export const CHUNK_BYTES = MiB;

export const ZEROS = Buffer.alloc(CHUNK_BYTES);
