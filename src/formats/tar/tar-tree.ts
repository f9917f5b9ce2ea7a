import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../../model/bytes.js';

/** What a tree has at a path, as far as it shows: times do not count. */
export type TarEntry = {
  /** Type flag of POSIX: `0` file, `2` symbolic link, `3` and `4` devices, `5` folder, `6` named pipe. */
  readonly type: '0' | '2' | '3' | '4' | '5' | '6';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a symbolic link. */
  readonly link?: string;
  /** Of a device: major and minor number. */
  readonly device?: readonly [number, number];
  /** Of a file. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
  /** Of a file with hard links: the first of its names. */
  readonly inode?: string;
  /** Extended attributes, their values in hex. */
  readonly xattrs?: Readonly<Record<string, string>>;
};

/** An entry and where its records are in the archive: headers before it, and its content rounded up. */
export type PlacedEntry = {
  readonly path: string;
  readonly entry: TarEntry;
  readonly range: readonly [number, number];
};

/** By path, one character for each byte of it (latin1): names are bytes. The root has the path "". */
export type TarTree = ReadonlyMap<string, TarEntry>;

const RECORD = 512;

/**
 * Reads a tar archive that GNU tar wrote in the pax format. Throws TypeError for anything else: it is read where it was
 * written.
 */
export async function readTarTree(file: string): Promise<readonly PlacedEntry[]> {
  const handle = await open(file);
  try {
    return await new TarReading(handle).entries();
  } finally {
    await handle.close();
  }
}

class TarReading {
  private readonly buffer = Buffer.alloc(4 * MiB);
  private bufferAt = 0;
  private bufferBytes = 0;
  private at = 0;

  constructor(private readonly handle: FileHandle) {}

  async entries(): Promise<readonly PlacedEntry[]> {
    const found: PlacedEntry[] = [];
    const files = new Map<string, number>();
    let pax: ReadonlyMap<string, Buffer> = new Map();
    let start = 0;
    for (;;) {
      const header = Buffer.from(await this.take(RECORD));
      if (header.length < RECORD || header.every((byte) => byte === 0)) return found;
      const type = String.fromCharCode(header[156] ?? 0);
      const sizeBytes = Number(pax.get('size')?.toString() ?? octal(header, 124, 12));
      if (type === 'x') {
        pax = paxRecords(Buffer.from(await this.take(sizeBytes)));
        await this.skipPadding(sizeBytes);
        continue;
      }
      const path = treePath(pax.get('path')?.toString('latin1') ?? headerPath(header));
      const target = pax.get('linkpath')?.toString('latin1') ?? text(header, 157, 100);
      const entry = entryOf(type === '\0' ? '0' : type, header, pax, path);
      if (type === '1') {
        // Another name of a file: what that says holds for this one too.
        const index = files.get(treePath(target));
        const first = index === undefined ? undefined : found[index];
        if (index === undefined || first === undefined) throw new TypeError(`${path} links to nothing before it`);
        const shared = { ...first.entry, inode: first.entry.inode ?? first.path };
        found[index] = { ...first, entry: shared };
        files.set(path, index);
        found.push({ path, entry: shared, range: [start, this.at] });
      } else if (entry.type === '0') {
        const sha256 = await this.digest(sizeBytes);
        await this.skipPadding(sizeBytes);
        files.set(path, found.length);
        found.push({ path, entry: { ...entry, sizeBytes, sha256 }, range: [start, this.at] });
      } else {
        const link = entry.type === '2' ? { link: target } : {};
        files.set(path, found.length);
        found.push({ path, entry: { ...entry, ...link }, range: [start, this.at] });
      }
      pax = new Map();
      start = this.at;
    }
  }

  /** The next bytes; fewer at the end of the file. */
  private async take(bytes: number): Promise<Buffer> {
    if (bytes > this.buffer.length) {
      const { buffer, bytesRead } = await this.handle.read(Buffer.alloc(bytes), 0, bytes, this.at);
      this.at += bytesRead;
      return buffer.subarray(0, bytesRead);
    }
    if (this.at + bytes > this.bufferAt + this.bufferBytes) {
      const { bytesRead } = await this.handle.read(this.buffer, 0, this.buffer.length, this.at);
      this.bufferAt = this.at;
      this.bufferBytes = bytesRead;
    }
    const from = this.at - this.bufferAt;
    const taken = this.buffer.subarray(from, Math.min(from + bytes, this.bufferBytes));
    this.at += taken.length;
    return taken;
  }

  private async digest(sizeBytes: number): Promise<string> {
    const hash = createHash('sha256');
    for (let left = sizeBytes; left > 0;) {
      const chunk = await this.take(Math.min(left, this.buffer.length));
      if (chunk.length === 0) throw new TypeError('the archive ends inside a file');
      hash.update(chunk);
      left -= chunk.length;
    }
    return hash.digest('hex');
  }

  private async skipPadding(sizeBytes: number): Promise<void> {
    const padding = (RECORD - (sizeBytes % RECORD)) % RECORD;
    if (padding > 0) await this.take(padding);
  }
}

function entryOf(type: string, header: Buffer, pax: ReadonlyMap<string, Buffer>, path: string): TarEntry {
  if (!/^[0-6]$/.test(type)) throw new TypeError(`${path} has the type ${type}, which this tar does not write`);
  const xattrs = [...pax].flatMap(([key, value]) =>
    key.startsWith(XATTR) ? [[key.slice(XATTR.length), value.toString('hex')] as const] : [],
  );
  const isDevice = type === '3' || type === '4';
  return {
    type: (type === '1' ? '0' : type) as TarEntry['type'],
    mode: octal(header, 100, 8),
    uid: Number(pax.get('uid')?.toString() ?? octal(header, 108, 8)),
    gid: Number(pax.get('gid')?.toString() ?? octal(header, 116, 8)),
    ...(isDevice ? { device: [octal(header, 329, 8), octal(header, 337, 8)] as const } : {}),
    ...(xattrs.length === 0 ? {} : { xattrs: Object.fromEntries(xattrs.sort()) }),
  };
}

const XATTR = 'SCHILY.xattr.';

/** `LENGTH KEY=VALUE\n`, one behind the other; values are bytes. */
function paxRecords(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    if (space === -1 || equals === -1 || !(length > 0)) throw new TypeError('a pax header cannot be read');
    records.set(bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

function headerPath(header: Buffer): string {
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Without the leading `./` and the slash at the end of folders. */
function treePath(path: string): string {
  return path.replace(/^\.\/?/, '').replace(/\/$/, '');
}

function text(header: Buffer, offset: number, bytes: number): string {
  const field = header.subarray(offset, offset + bytes);
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end === -1 ? bytes : end);
}

function octal(header: Buffer, offset: number, bytes: number): number {
  const digits = text(header, offset, bytes).trim();
  return digits === '' ? 0 : parseInt(digits, 8);
}
