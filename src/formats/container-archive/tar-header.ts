/** One header block of a tar archive (POSIX ustar, GNU and pax). */
export type TarHeader = {
  readonly path: string;
  /** Of what follows the header, without the padding to whole blocks. */
  readonly sizeBytes: number;
  /** '0' file, '1' hard link, '2' symbolic link, '5' folder, 'x' and 'g' pax records, 'L' and 'K' GNU long names. */
  readonly type: string;
  readonly linkTarget: string;
};

export const TAR_BLOCK_BYTES = 512;

/** Undefined for a block that is no header; `end` for one of zeros, which ends an archive. */
export function parseTarHeader(block: Buffer): TarHeader | 'end' | undefined {
  if (block.length < TAR_BLOCK_BYTES) return undefined;
  if (block.every((byte) => byte === 0)) return 'end';
  if (octal(block, 148, 8) !== checksum(block)) return undefined;
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const sizeBytes = size(block);
  if (sizeBytes === undefined) return undefined;
  return {
    // GNU puts times where POSIX has the prefix; its magic is followed by a space.
    path: prefix === '' || block[262] === 0x20 ? name : `${prefix}/${name}`,
    sizeBytes,
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
    linkTarget: text(block, 157, 100),
  };
}

/** The records of a pax header: `27 path=some/long/name\n`. */
export function parsePaxRecords(data: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = Number(data.toString('latin1', at, space < 0 ? at : space));
    if (!Number.isInteger(length) || length <= 0) break;
    const record = data.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** With the padding to whole blocks. */
export function paddedBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

function octal(block: Buffer, start: number, length: number): number {
  const digits = text(block, start, length).trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : 0;
}

/** GNU writes sizes of 8 GiB and more as a big-endian number, marked by the first bit. */
function size(block: Buffer): number | undefined {
  if (((block[124] ?? 0) & 0x80) === 0) return octal(block, 124, 12);
  const big = block.readBigUInt64BE(128);
  return big <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(big) : undefined;
}

/** Of all bytes, the checksum's own counted as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum;
}
