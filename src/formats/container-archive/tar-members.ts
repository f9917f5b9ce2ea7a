import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Extract, Header } from 'tar-stream';
import { extract as createExtract } from 'tar-stream';

/** What is at a path of an archive; `data` only where it was asked for. */
export type TarMember = { readonly sizeBytes: number; readonly data?: Buffer };

export type TarContents = {
  readonly members: ReadonlyMap<string, TarMember>;
  /** Of the file, as it is on the disk. */
  readonly sha256: string;
};

/** Why an archive cannot be read. `compressed`: by something else than gzip, named in `detail`. */
export type TarFault = { readonly fault: 'truncated' | 'not-a-tar' | 'compressed'; readonly detail: string };

/** Whether to keep a file's bytes, by its path, its size and its first byte. */
export type Wanted = (path: string, sizeBytes: number, firstByte: number | undefined) => boolean;

const READ_AT_ONCE_BYTES = 1024 * 1024;

/**
 * The members of a tar archive, plain or gzipped, and the digest of the file, in one pass; only what is wanted is kept
 * in memory. Paths lose a leading `./`. Throws what opening and reading the file throw; what is wrong with the archive
 * is returned.
 */
export async function readTarMembers(file: string, wanted: Wanted): Promise<TarContents | TarFault> {
  const compression = await compressionOf(file);
  if (compression !== undefined && compression !== 'gzip') return { fault: 'compressed', detail: compression };
  const hash = createHash('sha256');
  const source = Readable.from(hashed(file, hash));
  const reading = new Reading(wanted);
  try {
    await feed(compression === 'gzip' ? unzipped(source) : source, reading.extract);
  } catch (error) {
    source.destroy();
    return faultOf(error, reading);
  }
  // What follows the end of a gzip stream is part of the file all the same.
  source.unpipe();
  if (!source.readableEnded) await once(source.resume(), 'end');
  if (reading.members.size === 0) return { fault: 'not-a-tar', detail: 'it does not begin with the header of a file' };
  return { members: reading.members, sha256: hash.digest('hex') };
}

const MAGIC = [
  { name: 'gzip', bytes: Buffer.from([0x1f, 0x8b]) },
  { name: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { name: 'xz', bytes: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]) },
  { name: 'bzip2', bytes: Buffer.from('BZh') },
];

async function compressionOf(file: string): Promise<string | undefined> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return MAGIC.find(({ bytes }) => buffer.subarray(0, bytes.length).equals(bytes))?.name;
  } finally {
    await handle.close();
  }
}

async function* hashed(file: string, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(file, { highWaterMark: READ_AT_ONCE_BYTES })) {
    hash.update(chunk as Buffer);
    yield chunk as Buffer;
  }
}

function unzipped(source: Readable): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
}

/** Archives of before 1988 say nothing of their format; tar-stream's types leave the option out. */
const OLD_FORMATS_TOO: Parameters<typeof createExtract>[0] & { readonly allowUnknownFormat: boolean } = {
  allowUnknownFormat: true,
};

/** The members that one archive has given so far. */
class Reading {
  readonly extract = createExtract(OLD_FORMATS_TOO);
  readonly members = new Map<string, TarMember>();
  /** The one that is being read. */
  current: string | undefined;
  /** tar-stream's; not what goes wrong here, which has a class of its own or comes from reading the file. */
  parserError: Error | undefined;

  constructor(private readonly wanted: Wanted) {
    this.extract.on('error', (error: Error) => {
      if (error.constructor === Error && !('code' in error)) this.parserError = error;
    });
    this.extract.on('entry', (header, content, next) => {
      void this.readMember(header, content).then(() => {
        next();
      }, next);
    });
  }

  private async readMember(header: Header, content: AsyncIterable<unknown>): Promise<void> {
    const { name, size: sizeBytes, type } = header;
    const path = name.replace(/^(\.\/)+/, '').replace(/\/$/, '');
    this.current = path;
    const isFile = type === 'file' || type === 'contiguous-file';
    let kept: Buffer[] | undefined;
    let isFirst = true;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      if (isFirst && isFile && this.wanted(path, sizeBytes, chunk[0])) kept = [];
      isFirst = false;
      kept?.push(chunk);
    }
    this.members.set(path, { sizeBytes, ...(kept === undefined ? {} : { data: Buffer.concat(kept) }) });
    this.current = undefined;
  }
}

/** Rejects with what the parser or the source says. */
async function feed(source: AsyncIterable<Buffer>, extract: Extract): Promise<void> {
  const ended = once(extract, 'finish');
  // Whether it fails shows below; until somebody waits for it that is no unhandled rejection.
  ended.catch(() => undefined);
  for await (const chunk of source) {
    if (!extract.write(chunk)) await Promise.race([once(extract, 'drain'), ended]);
  }
  extract.end(undefined);
  await ended;
}

/** Throws what is no fault of the archive. */
function faultOf(error: unknown, { members, current, parserError }: Reading): TarFault {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return { fault: 'truncated', detail: 'the gzip stream ends too early' };
  if (code.startsWith('Z_')) return { fault: 'not-a-tar', detail: `its gzip stream is damaged (${code})` };
  if (error !== parserError) throw error;
  if (members.size === 0 && current === undefined) {
    return { fault: 'not-a-tar', detail: 'it does not begin with the header of a file' };
  }
  return { fault: 'truncated', detail: current === undefined ? 'a header is damaged' : `it ends inside ${current}` };
}
