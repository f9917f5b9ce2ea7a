import { inflateRawSync } from 'node:zlib';
import type { Compression } from '../compression.js';
import { DamagedFileSystem, UnreadFileSystem } from '../file-system/file-system.js';

/**
 * How long the one compressed stream is that `bytes` begin with: the kernel goes on behind it, with another archive in
 * any form. Throws DamagedFileSystem where it does not end, UnreadFileSystem where its end cannot be found here.
 */
export function compressedLength(compression: Exclude<Compression, 'none'>, bytes: Buffer): number {
  try {
    return LENGTHS[compression](bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new DamagedFileSystem(`its ${compression} stream does not end`);
    throw error;
  }
}

const LENGTHS: Readonly<Record<Exclude<Compression, 'none'>, (bytes: Buffer) => number>> = {
  gz: gzipLength,
  zst: zstdLength,
  xz: xzLength,
  // These have no length anywhere, and nobody puts anything behind them.
  bz2: ({ length }) => length,
  lzma: ({ length }) => length,
};

/** RFC 1952: header, deflate, CRC and size. */
function gzipLength(bytes: Buffer): number {
  const flags = bytes.readUInt8(3);
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + bytes.readUInt16LE(at);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new RangeError();
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  try {
    // The types of Node know no `info` here: it gives the engine too, which counts what it took.
    const { engine } = inflateRawSync(bytes.subarray(at), { info: true }) as unknown as {
      readonly engine: { readonly bytesWritten: number };
    };
    return at + engine.bytesWritten + 8;
  } catch (error) {
    throw new DamagedFileSystem(`its gz stream cannot be unpacked (${(error as Error).message})`);
  }
}

const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE = { magic: 0x184d2a50, mask: 0xfffffff0 } as const;

/** RFC 8878: a frame header, blocks that say their sizes, and a checksum. */
function zstdLength(bytes: Buffer): number {
  const magic = bytes.readUInt32LE(0);
  if ((magic & SKIPPABLE.mask) >>> 0 === SKIPPABLE.magic) return within(8 + bytes.readUInt32LE(4), bytes);
  if (magic !== ZSTD_MAGIC) throw new RangeError();
  const descriptor = bytes.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  let at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  for (let isLast = false; !isLast;) {
    const block = bytes.readUIntLE(at, 3);
    isLast = (block & 1) !== 0;
    // A run of one byte is written once.
    at += 3 + ((block >> 1) % 4 === 1 ? 1 : block >> 3);
  }
  return within(at + ((descriptor & 4) === 0 ? 0 : 4), bytes);
}

const XZ_HEADER_BYTES = 12;
const XZ_FOOTER = Buffer.from('YZ', 'latin1');

/**
 * Blocks of an xz stream need not say their sizes; the footer at its end says where the index is, and that how long all
 * blocks are. The right footer is the first one whose sum leads back to the beginning.
 */
function xzLength(bytes: Buffer): number {
  for (let at = bytes.indexOf(XZ_FOOTER, XZ_HEADER_BYTES); at >= 0; at = bytes.indexOf(XZ_FOOTER, at + 1)) {
    const end = at + XZ_FOOTER.length;
    if (end % 4 === 0 && isXzFooter(bytes, end)) return end;
  }
  throw new RangeError();
}

function isXzFooter(bytes: Buffer, end: number): boolean {
  const indexBytes = (bytes.readUInt32LE(end - 8) + 1) * 4;
  const indexAt = end - 12 - indexBytes;
  // The stream's flags stand in both.
  if (indexAt < XZ_HEADER_BYTES || bytes.compare(bytes, 6, 8, end - 4, end - 2) !== 0) return false;
  let at = indexAt;
  if (bytes[at] !== 0) return false;
  at += 1;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = at < end ? (bytes[at] ?? 0) : 0;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
  };
  const records = number();
  let blocks = 0;
  for (let index = 0; index < records && at < end; index += 1) {
    blocks += Math.ceil(number() / 4) * 4;
    number();
  }
  return XZ_HEADER_BYTES + blocks === indexAt;
}

function within(length: number, bytes: Buffer): number {
  if (length > bytes.length) throw new RangeError();
  return length;
}

/** Ways of packing that the kernel knows for an initramfs and that are not read here. */
const FOREIGN: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: 'lz4', magic: [0x02, 0x21, 0x4c, 0x18] },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a, 0x4f] },
];

/** Throws UnreadFileSystem where bytes are packed in one of those ways. */
export function refuseForeignPacking(bytes: Uint8Array): void {
  const found = FOREIGN.find(({ magic }) => magic.every((byte, index) => bytes[index] === byte));
  if (found !== undefined) throw new UnreadFileSystem(found.name);
}
