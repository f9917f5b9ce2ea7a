import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { paddedBytes, parsePaxRecords, parseTarHeader, TAR_BLOCK_BYTES } from './tar-header.js';

/** What lies at a path of an archive; `data` only where it was asked for. */
export type TarMember = { readonly sizeBytes: number; readonly type: string; readonly data?: Buffer };

/** Why an archive cannot be read. `compressed`: by something else than gzip, named in `detail`. */
export type TarFault = { readonly fault: 'truncated' | 'not-a-tar' | 'compressed'; readonly detail: string };

/** Bytes in order; jumping over some costs nothing where the source is a plain file. */
interface ByteSource {
  /** Fewer than asked for only at the end. */
  read(sizeBytes: number): Promise<Buffer>;
  /** Whether so many bytes were there. */
  advance(sizeBytes: number): Promise<boolean>;
}

const MAX_PAX_BYTES = 1024 * 1024;

/**
 * The members of a tar archive, plain or gzipped, without unpacking it. Paths lose a leading `./`. Throws what opening
 * and reading the file throw; what is wrong with the archive is returned.
 */
export async function readTarMembers(
  file: string,
  wanted: (path: string, sizeBytes: number) => boolean,
): Promise<ReadonlyMap<string, TarMember> | TarFault> {
  const handle = await open(file);
  try {
    const magic = (await handle.read(Buffer.alloc(8), 0, 8, 0)).buffer;
    const other = OTHER_COMPRESSIONS.find(({ bytes }) => magic.subarray(0, bytes.length).equals(bytes));
    if (other !== undefined) return { fault: 'compressed', detail: other.name };
    if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
      return await readMembers(new FileSource(handle, (await handle.stat()).size), wanted);
    }
    const stream = createReadStream(file);
    const gunzip = createGunzip();
    stream.on('error', (error) => gunzip.destroy(error));
    try {
      return await readMembers(new StreamSource(stream.pipe(gunzip)), wanted);
    } finally {
      stream.destroy();
      gunzip.destroy();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'Z_BUF_ERROR') return { fault: 'truncated', detail: 'the gzip stream ends too early' };
    if (code.startsWith('Z_')) return { fault: 'not-a-tar', detail: `its gzip stream is damaged (${code})` };
    throw error;
  } finally {
    await handle.close();
  }
}

const OTHER_COMPRESSIONS = [
  { name: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { name: 'xz', bytes: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]) },
  { name: 'bzip2', bytes: Buffer.from('BZh') },
];

async function readMembers(
  source: ByteSource,
  wanted: (path: string, sizeBytes: number) => boolean,
): Promise<ReadonlyMap<string, TarMember> | TarFault> {
  const members = new Map<string, TarMember>();
  /** What headers before a member say of it. */
  let longPath: string | undefined;
  let paxSize: number | undefined;
  for (let first = true; ; first = false) {
    const block = await source.read(TAR_BLOCK_BYTES);
    // Two blocks of zeros end an archive; some writers leave them out.
    if (block.length === 0 && !first) return members;
    const header = parseTarHeader(block);
    if (header === 'end' && !first) return members;
    if (header === undefined || header === 'end') {
      return first
        ? { fault: 'not-a-tar', detail: 'it does not begin with the header of a file' }
        : { fault: 'truncated', detail: 'a header is damaged' };
    }
    const sizeBytes = paxSize ?? header.sizeBytes;
    const path = (longPath ?? header.path).replace(/^(\.\/)+/, '').replace(/\/$/, '');
    const isAbout = ['x', 'g', 'L', 'K'].includes(header.type);
    const keep = isAbout ? sizeBytes <= MAX_PAX_BYTES : header.type === '0' && wanted(path, sizeBytes);
    const data = keep ? await source.read(paddedBytes(sizeBytes)) : undefined;
    const isWhole = data === undefined ? await source.advance(paddedBytes(sizeBytes)) : data.length >= sizeBytes;
    if (!isWhole) return { fault: 'truncated', detail: `it ends inside ${path}` };
    const content = data?.subarray(0, sizeBytes);
    if (header.type === 'x' && content !== undefined) {
      const records = parsePaxRecords(content);
      longPath = records.get('path') ?? longPath;
      const size = records.get('size');
      if (size !== undefined) paxSize = Number(size);
    } else if (header.type === 'L' && content !== undefined) {
      longPath = content.toString('utf8').replace(/\0+$/, '');
    } else if (!isAbout) {
      members.set(path, { sizeBytes, type: header.type, ...(content === undefined ? {} : { data: content }) });
      longPath = undefined;
      paxSize = undefined;
    }
  }
}

class FileSource implements ByteSource {
  private position = 0;

  constructor(
    private readonly handle: FileHandle,
    private readonly sizeBytes: number,
  ) {}

  async read(sizeBytes: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(sizeBytes, this.sizeBytes - this.position));
    const { bytesRead, buffer } = await this.handle.read(Buffer.alloc(wanted), 0, wanted, this.position);
    this.position += sizeBytes;
    return buffer.subarray(0, bytesRead);
  }

  advance(sizeBytes: number): Promise<boolean> {
    this.position += sizeBytes;
    return Promise.resolve(this.position <= this.sizeBytes);
  }
}

class StreamSource implements ByteSource {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest = Buffer.alloc(0);

  constructor(stream: AsyncIterable<unknown>) {
    this.chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async read(sizeBytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    await this.take(sizeBytes, (part) => parts.push(part));
    return Buffer.concat(parts);
  }

  async advance(sizeBytes: number): Promise<boolean> {
    return (await this.take(sizeBytes, () => undefined)) === sizeBytes;
  }

  private async take(sizeBytes: number, onPart: (part: Buffer) => unknown): Promise<number> {
    let taken = 0;
    while (taken < sizeBytes) {
      if (this.rest.length === 0) {
        const next = await this.chunks.next();
        if (next.done === true) break;
        this.rest = Buffer.from(next.value);
      }
      const part = this.rest.subarray(0, sizeBytes - taken);
      this.rest = this.rest.subarray(part.length);
      onPart(part);
      taken += part.length;
    }
    return taken;
  }
}
