import { open } from 'node:fs/promises';
import { decompressCommand, unpackedExitCodes } from '../formats/compression.js';
import type { Compression } from '../formats/compression.js';
import { CommandError, IntegrityError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { MiB } from '../model/bytes.js';
import { sandboxed } from '../model/sandbox.js';
import { writeData } from './sparse-write.js';

export type PackedFile = {
  readonly path: string;
  readonly compression: Exclude<Compression, 'none'>;
  readonly packed: AsyncIterable<Uint8Array>;
};

/**
 * What is packed in a file. Throws IntegrityError `image-corrupt`, UserError `decompressor-missing`.
 * @param tools root of a tools tree to unpack with; undefined: this machine's own programs
 */
export async function* unpackedBytes(
  { path, compression, packed }: PackedFile,
  tools: string | undefined,
  host: Host,
): AsyncGenerator<Uint8Array> {
  const command = decompressCommand(compression);
  const program = tools === undefined ? command : sandboxed({ root: tools }, command, host.facts.privilege);
  const failure: { error?: unknown } = {};
  try {
    yield* host.stream(program, notingFailure(packed, failure), { okExitCodes: unpackedExitCodes(compression) });
  } catch (error) {
    throw failure.error ?? decompressionError(error, path, command.file);
  }
  // Where the bytes broke off, a decompressor may see an end.
  if (failure.error !== undefined) throw failure.error as Error;
}

/** Why the packed bytes broke off: the decompressor only knows that they did. */
async function* notingFailure(
  packed: AsyncIterable<Uint8Array>,
  failure: { error?: unknown },
): AsyncIterable<Uint8Array> {
  try {
    yield* packed;
  } catch (error) {
    failure.error = error;
    throw error;
  }
}

function decompressionError(error: unknown, path: string, program: string): unknown {
  if (!(error instanceof CommandError)) return error;
  if (error.code === 'command-not-found') {
    return new UserError('decompressor-missing', `${path} is packed, and this machine has no ${program} to unpack it`, {
      hints: [`Install it: apt install ${program === 'xz' ? 'xz-utils' : program}`],
      cause: error,
    });
  }
  return new IntegrityError('image-corrupt', `${path} cannot be unpacked: it is damaged or not whole`, {
    details: error.details,
    hints: ['Was it copied or downloaded to its end? Fetch it again and compare its sha256.'],
    cause: error,
  });
}

/** Writes an image into a new file that only we may read; zeros become holes. */
export async function unpackTo(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const target = await open(path, 'wx', 0o600);
  try {
    // Decompressors give small pieces; a hole is found in a large one.
    const gathered = Buffer.allocUnsafe(MiB);
    let filled = 0;
    let position = 0;
    const flush = async (): Promise<void> => {
      await writeData(target, gathered.subarray(0, filled), position);
      position += filled;
      filled = 0;
    };
    for await (const chunk of chunks) {
      for (let taken = 0; taken < chunk.length;) {
        const part = chunk.subarray(taken, taken + gathered.length - filled);
        gathered.set(part, filled);
        filled += part.length;
        taken += part.length;
        if (filled === gathered.length) await flush();
      }
    }
    await flush();
    await target.truncate(position);
  } finally {
    await target.close();
  }
}
