import type { FileHandle } from 'node:fs/promises';
import { open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KiB, MiB } from '../model/bytes.js';
import type { Compression } from '../formats/compression.js';
import { compressionOf, decompressCommand, foreignPacking, unpackedExitCodes } from '../formats/compression.js';
import { MBR_SIZE_BYTES, parseMbr } from '../formats/mbr.js';
import { sandboxed } from '../model/sandbox.js';
import { CommandError, IntegrityError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { Store } from '../pipeline/store.js';
import { writeData } from './sparse-write.js';

/** An image file, packed or not, as the bytes that belong on a card. */
export type ImageSource = {
  readonly path: string;
  readonly compression: Compression;
  /** Of the image; known beforehand only when it is not packed. */
  readonly sizeBytes?: number;
  /** Of the file as it lies there. */
  readonly fileSizeBytes: number;
  /**
   * The image from its beginning; may be called again. `onFileBytes` sees the file's own bytes as they are read, each
   * exactly once and in order. Throws IntegrityError `image-corrupt`, UserError `decompressor-missing`.
   */
  stream(onFileBytes?: (bytes: Uint8Array) => void): AsyncIterable<Uint8Array>;
  /** The file as it lies there. */
  fileBytes(onFileBytes?: (bytes: Uint8Array) => void): AsyncIterable<Uint8Array>;
  /** Fills `target` from the image's `offsetBytes`; only where it is not packed. */
  readonly readInto?: (target: Uint8Array, offsetBytes: number) => Promise<number>;
  close(): Promise<void>;
};

const FILE_CHUNK_BYTES = 512 * KiB;

/**
 * Opens an image and looks at its first sector. Throws UserError `image-not-found`, `image-not-readable`,
 * `image-compression-unknown`, `not-an-image`, `decompressor-missing` or IntegrityError `image-corrupt`.
 *
 * @param tools root of a tools tree whose decompressors are used; undefined: those of this machine
 */
export async function openImageSource(path: string, tools: string | undefined, host: Host): Promise<ImageSource> {
  const { file, sizeBytes } = await openImageFile(path);
  try {
    const source = await sourceOf(path, file, sizeBytes, tools, host);
    const sector = await firstSector(source);
    if (parseMbr(sector) === undefined) {
      const what = source.compression === 'none' ? path : `What is packed in ${path}`;
      throw new UserError('not-an-image', `${what} is not a disk image: it has no partition table`, {
        hints: ['`reswarm-os build` makes one.'],
      });
    }
    return source;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openImageFile(path: string): Promise<{ readonly file: FileHandle; readonly sizeBytes: number }> {
  try {
    const status = await stat(path);
    if (!status.isFile()) {
      throw new UserError('not-an-image', `${path} is ${status.isDirectory() ? 'a folder' : 'no ordinary file'}`);
    }
    return { file: await open(path, 'r'), sizeBytes: status.size };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing
      ? new UserError('image-not-found', `There is no image at ${path}`, { cause: error })
      : new UserError('image-not-readable', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function sourceOf(
  path: string,
  file: FileHandle,
  fileSizeBytes: number,
  tools: string | undefined,
  host: Host,
): Promise<ImageSource> {
  const head = Buffer.alloc(MBR_SIZE_BYTES);
  await file.read(head, 0, head.length, 0);
  const compression = compressionOf(head);
  const close = async (): Promise<void> => file.close();
  const ownBytes: ImageSource['fileBytes'] = (onFileBytes) => fileBytes(file, fileSizeBytes, host, onFileBytes);
  if (compression === 'none') {
    const foreign = foreignPacking(head);
    if (foreign !== undefined) {
      throw new UserError(
        'image-compression-unknown',
        `${path} is packed with ${foreign.name}, which is not read here`,
        {
          hints: [`Unpack it first: ${foreign.unpack} ${path}`],
        },
      );
    }
    return {
      path,
      compression,
      sizeBytes: fileSizeBytes,
      fileSizeBytes,
      stream: ownBytes,
      fileBytes: ownBytes,
      readInto: async (target, offsetBytes) => (await file.read(target, 0, target.length, offsetBytes)).bytesRead,
      close,
    };
  }
  const command = decompressCommand(compression);
  const program = tools === undefined ? command : sandboxed({ root: tools }, command, host.facts.privilege);
  return {
    path,
    compression,
    fileSizeBytes,
    stream: async function* (onFileBytes) {
      try {
        yield* host.stream(program, ownBytes(onFileBytes), { okExitCodes: unpackedExitCodes(compression) });
      } catch (error) {
        throw decompressionError(error, path, command.file);
      }
    },
    fileBytes: ownBytes,
    close,
  };
}

async function* fileBytes(
  file: FileHandle,
  sizeBytes: number,
  host: Host,
  onFileBytes?: (bytes: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  for (let position = 0; position < sizeBytes;) {
    host.signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(FILE_CHUNK_BYTES, sizeBytes - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    const bytes = buffer.subarray(0, bytesRead);
    onFileBytes?.(bytes);
    position += bytesRead;
    yield bytes;
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

async function firstSector(source: ImageSource): Promise<Buffer> {
  const sector = Buffer.alloc(MBR_SIZE_BYTES);
  let filled = 0;
  for await (const chunk of source.stream()) {
    sector.set(chunk.subarray(0, sector.length - filled), filled);
    filled = Math.min(sector.length, filled + chunk.length);
    if (filled === sector.length) break;
  }
  return sector.subarray(0, filled);
}

/**
 * Lends the image as a file that is not packed: itself, or an unpacked copy that only we may read, in which zeros are
 * holes, and which is gone afterwards, however `use` ends. Throws what openImageSource throws, and `disk-full`.
 */
export async function withRawImage<Result>(
  path: string,
  tools: string | undefined,
  host: Host,
  use: (rawPath: string) => Promise<Result>,
): Promise<Result> {
  const source = await openImageSource(path, tools, host);
  try {
    if (source.compression === 'none') return await use(await realpath(path));
    const store = new Store(host.facts.cacheDir, host);
    await store.prepare();
    return await store.withScratch(async (folder) => {
      const copy = join(folder, 'image.img');
      await unpackTo(copy, source.stream());
      try {
        return await use(copy);
      } catch (error) {
        throw namedAfter(error, copy, path);
      }
    });
  } finally {
    await source.close();
  }
}

/** What is wrong with an unpacked copy is wrong with the file that a person knows. */
function namedAfter(error: unknown, copy: string, path: string): unknown {
  if (!(error instanceof UserError) || !error.message.includes(copy)) return error;
  const { code, hints, details } = error;
  const problems = error.problems.map((problem) => ({ ...problem, message: problem.message.replaceAll(copy, path) }));
  return new UserError(code, error.message.replaceAll(copy, path), { hints, details, problems, cause: error });
}

/** @returns the image's size */
async function unpackTo(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
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
    return position;
  } finally {
    await target.close();
  }
}
