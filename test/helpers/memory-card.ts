import type { CardIo } from '../../src/write/card-io.js';

/** What a card in memory does instead of what it should. */
export type CardFaults = {
  /** Addresses beyond it begin at 0 again. */
  readonly wrapBytes?: number;
  /** Writes beyond it are lost, reads give 0xff. */
  readonly keptBytes?: number;
  /** Called before each write and read; what it throws is the kernel's answer. */
  readonly onWrite?: (offsetBytes: number, sizeBytes: number) => void | Promise<void>;
  readonly onRead?: (offsetBytes: number, sizeBytes: number) => void | Promise<void>;
  readonly onSync?: () => void;
  readonly isPresent?: () => boolean;
};

export type MemoryCard = CardIo & {
  readonly bytes: Buffer;
  /** Every write in order. */
  readonly writes: { readonly offsetBytes: number; readonly sizeBytes: number }[];
};

/** A card whose bytes are a Buffer, filled with old data. */
export function memoryCard(sizeBytes: number, faults: CardFaults = {}): MemoryCard {
  const bytes = Buffer.alloc(sizeBytes, 0xaa);
  const writes: MemoryCard['writes'] = [];
  const { wrapBytes = sizeBytes, keptBytes = sizeBytes } = faults;
  const read = async (target: Uint8Array, from: number, count: number, at: number) => {
    await faults.onRead?.(at, count);
    const bytesRead = Math.max(0, Math.min(count, sizeBytes - at));
    for (let done = 0; done < bytesRead;) {
      const place = (at + done) % wrapBytes;
      const part = Math.min(bytesRead - done, wrapBytes - place);
      target.set(bytes.subarray(place, place + part), from + done);
      done += part;
    }
    if (at + bytesRead > keptBytes) target.fill(0xff, from + Math.max(0, keptBytes - at), from + bytesRead);
    return { bytesRead, buffer: target };
  };
  const write = async (source: Uint8Array, from: number, count: number, at: number) => {
    await faults.onWrite?.(at, count);
    writes.push({ offsetBytes: at, sizeBytes: count });
    const bytesWritten = Math.max(0, Math.min(count, sizeBytes - at));
    for (let done = 0; done < bytesWritten;) {
      const place = (at + done) % wrapBytes;
      const part = Math.min(bytesWritten - done, wrapBytes - place);
      bytes.set(source.subarray(from + done, from + done + part), place);
      done += part;
    }
    return { bytesWritten, buffer: source };
  };
  return {
    path: '/dev/memory',
    sizeBytes,
    bytes,
    writes,
    handle: { read, write, sync: () => Promise.resolve(faults.onSync?.()) } as unknown as CardIo['handle'],
    isPresent: () => Promise.resolve(faults.isPresent?.() ?? true),
  };
}

/** An answer of the kernel, as Node gives it. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: write`), { code, errno: -5, syscall: 'write' });
}
