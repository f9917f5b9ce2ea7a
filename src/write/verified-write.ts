import type { Host } from '../host/host.js';
import type { BadRange, CardIo } from './card-io.js';
import { differenceOf, MediumError, readExactly, settle, writeExactly } from './card-io.js';
import { BLOCK_BYTES } from './write-plan.js';

/** A place that is not kept is written so often. */
const ATTEMPTS = 3;

/**
 * Writes, flushes and reads back, a few times if need be. Throws CardError.
 *
 * @param buffer aligned memory, at least as large as `bytes`
 * @returns the place that is still wrong in the end; undefined when all of it is right
 */
export async function writeVerified(
  card: CardIo,
  bytes: Uint8Array,
  offsetBytes: number,
  buffer: Uint8Array,
  host: Host,
): Promise<BadRange | undefined> {
  const view = buffer.subarray(0, bytes.length);
  // `bytes` may be the buffer itself.
  const wanted = Uint8Array.from(bytes);
  let fault: BadRange | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    host.signal.throwIfAborted();
    try {
      view.set(wanted);
      await writeExactly(card, view, offsetBytes);
      await settle(card);
      view.fill(0xa5);
      await readExactly(card, view, offsetBytes);
      const difference = differenceOf(wanted, view, offsetBytes);
      if (difference === undefined) return undefined;
      fault = { ...difference, reason: 'what is read back differs from what was written' };
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      fault = { offsetBytes, sizeBytes: bytes.length, reason: error.reason };
    }
  }
  return fault;
}

/** In pieces that fit into one buffer. */
export function* piecesOf(
  bytes: Uint8Array,
  offsetBytes: number,
): Generator<{ bytes: Uint8Array; offsetBytes: number }> {
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    yield { bytes: bytes.subarray(from, from + BLOCK_BYTES), offsetBytes: offsetBytes + from };
  }
}
