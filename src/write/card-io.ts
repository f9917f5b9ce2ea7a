import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../model/byte-range.js';

/** An open card. Buffers must be page-aligned, ranges whole sectors. */
export type CardIo = {
  readonly path: string;
  readonly handle: Pick<FileHandle, 'read' | 'write' | 'sync'>;
  readonly sizeBytes: number;
  /** Makes the kernel forget what it remembers of the card; needed where the cache could not be bypassed. */
  readonly dropCache?: () => Promise<void>;
  /** Whether the device is still there. */
  readonly isPresent: () => Promise<boolean>;
};

/** Why a card failed; the codes of docs/troubleshooting.md. */
export type CardFailure = {
  readonly code: 'card-gone' | 'card-full' | 'card-unwritable' | 'card-read-back-differs' | 'card-differs';
  readonly message: string;
  /** What of the image did not get onto the card. */
  readonly badRanges: readonly BadRange[];
};

export type BadRange = ByteRange & { readonly reason: string };

/** Ends the work on one card, not on the others. */
export class CardError extends Error {
  constructor(readonly failure: CardFailure) {
    super(failure.message);
  }
}

export function cardError(code: CardFailure['code'], message: string, badRanges: readonly BadRange[] = []): CardError {
  return new CardError({ code, message, badRanges });
}

export async function writeExactly(card: CardIo, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await card.handle.write(bytes, done, bytes.length - done, offsetBytes + done);
    if (bytesWritten === 0) throw await endOfCard(card, offsetBytes + done);
    done += bytesWritten;
  }
}

export async function readExactly(card: CardIo, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await card.handle.read(bytes, done, bytes.length - done, offsetBytes + done);
    if (bytesRead === 0) throw await endOfCard(card, offsetBytes + done);
    done += bytesRead;
  }
}

async function endOfCard(card: CardIo, offsetBytes: number): Promise<CardError> {
  return (await card.isPresent())
    ? cardError('card-full', `${card.path} ends at byte ${offsetBytes}`)
    : cardError('card-gone', `${card.path} is not there any more`);
}

/** An error of one read or write that other places of the card need not have. Throws CardError for all else. */
export async function mediumError(card: CardIo, error: unknown): Promise<string> {
  if (error instanceof CardError) throw error;
  const { code, message } = error as NodeJS.ErrnoException;
  const isGone = code === 'ENXIO' || code === 'ENODEV' || code === 'ENOMEDIUM' || !(await card.isPresent());
  if (isGone) throw cardError('card-gone', `${card.path} is not there any more (${code ?? message})`);
  if (code === 'ENOSPC') throw cardError('card-full', `${card.path} has no room where its size says it has (${code})`);
  if (code === 'EIO' || code === 'EREMOTEIO' || code === 'ETIMEDOUT' || code === 'EILSEQ' || code === 'ENODATA') {
    return code;
  }
  throw cardError('card-unwritable', `${card.path}: ${message}`);
}

/** The part of `expected` that `found` differs in, as whole sectors; undefined when they are equal. */
export function differenceOf(expected: Uint8Array, found: Uint8Array, offsetBytes: number): ByteRange | undefined {
  if (Buffer.compare(expected, found) === 0) return undefined;
  let first = 0;
  while (expected[first] === found[first]) first += 1;
  let last = expected.length - 1;
  while (expected[last] === found[last]) last -= 1;
  const start = Math.floor(first / SECTOR_BYTES) * SECTOR_BYTES;
  const end = (Math.floor(last / SECTOR_BYTES) + 1) * SECTOR_BYTES;
  return { offsetBytes: offsetBytes + start, sizeBytes: end - start };
}

const SECTOR_BYTES = 512;
