import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../model/byte-range.js';
import { CommandError } from '../errors.js';

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
  readonly code:
    'card-gone' | 'card-full' | 'card-fake' | 'card-unwritable' | 'card-read-back-differs' | 'card-differs';
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

/** An error of one place of the card, which others need not have: it is tried again. */
export class MediumError extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}

/** What a drive answers for one place. */
const MEDIUM_ERRNOS: ReadonlySet<string> = new Set(['EIO', 'EREMOTEIO', 'ETIMEDOUT', 'EILSEQ', 'ENODATA', 'EBADE']);
const GONE_ERRNOS: ReadonlySet<string> = new Set(['ENXIO', 'ENODEV', 'ENOMEDIUM', 'ESHUTDOWN']);
const FULL_ERRNOS: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** What a drive, or the kernel in its name, answers for all of it. */
const REFUSING_ERRNOS: ReadonlySet<string> = new Set([
  'EROFS',
  'EPERM',
  'EACCES',
  'EBUSY',
  'EMEDIUMTYPE',
  'EOPNOTSUPP',
]);

/** Writes all of `bytes`. Throws MediumError and CardError; whatever else is thrown is no fault of the card. */
export async function writeExactly(card: CardIo, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await ofCard(card, () =>
      card.handle.write(bytes, done, bytes.length - done, offsetBytes + done),
    );
    if (bytesWritten === 0) throw await endOfCard(card, offsetBytes + done);
    done += bytesWritten;
  }
}

/** Fills all of `bytes`. Throws as writeExactly does. */
export async function readExactly(card: CardIo, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await ofCard(card, () =>
      card.handle.read(bytes, done, bytes.length - done, offsetBytes + done),
    );
    if (bytesRead === 0) throw await endOfCard(card, offsetBytes + done);
    done += bytesRead;
  }
}

/** Waits until all that was written is on the card, and makes the kernel forget it. Throws as writeExactly does. */
export async function settle(card: CardIo): Promise<void> {
  await ofCard(card, () => card.handle.sync());
  try {
    await card.dropCache?.();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (!(await card.isPresent())) throw goneError(card);
    throw cardError(
      'card-unwritable',
      `The kernel does not let go of what it remembers of ${card.path}: ${error.message}`,
    );
  }
}

async function endOfCard(card: CardIo, offsetBytes: number): Promise<CardError> {
  return (await card.isPresent())
    ? cardError('card-full', `${card.path} ends at byte ${offsetBytes}`)
    : goneError(card);
}

/** Turns what the kernel answers for this card into MediumError or CardError; what is no such answer goes on as it is. */
async function ofCard<Result>(card: CardIo, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    if (GONE_ERRNOS.has(code)) throw goneError(card, code);
    const isKnown = [MEDIUM_ERRNOS, FULL_ERRNOS, REFUSING_ERRNOS].some((errnos) => errnos.has(code));
    if (!isKnown) throw error;
    if (!(await card.isPresent())) throw goneError(card, code);
    if (FULL_ERRNOS.has(code)) {
      throw cardError('card-full', `${card.path} has no room where its size says it has (${code})`);
    }
    if (REFUSING_ERRNOS.has(code)) throw cardError('card-unwritable', `${card.path} cannot be written (${code})`);
    throw new MediumError(code);
  }
}

function goneError(card: CardIo, code?: string): CardError {
  const because = code === undefined ? '' : ` (${code})`;
  return cardError('card-gone', `${card.path} is not there any more${because}`);
}

/** Of an answer of the kernel; errors of Node itself (ERR_OUT_OF_RANGE) have a code, but no errno. */
function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
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
