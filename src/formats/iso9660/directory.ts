import type { ReadAt } from '../../model/read-at.js';
import { MiB } from '../../model/bytes.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem } from '../file-system/file-system.js';
import type { Extent } from './descriptors.js';
import { shortTime } from './rock-ridge.js';

/** One directory record (ECMA-119, 9.1). */
export type IsoRecord = {
  /** "." and ".." are the bytes 0 and 1. */
  readonly nameBytes: Buffer;
  readonly extents: readonly Extent[];
  readonly isFolder: boolean;
  readonly modifiedSeconds: number;
  readonly systemUse: Buffer;
  /** Where the record itself is: no two have the same. */
  readonly offsetBytes: number;
};

const FOLDER = 2;
const MORE_EXTENTS = 0x80;
const LEAST_RECORD_BYTES = 34;
const LARGEST_FOLDER_BYTES = 64 * MiB;
const SECTOR_BYTES = 2048;

/** All records of a folder, its own "." and ".." among them. Files of 4 GiB and more have several extents. */
export async function readDirectory(read: ReadAt, { block, sizeBytes }: Extent, blockBytes: number) {
  if (sizeBytes > LARGEST_FOLDER_BYTES) throw new DamagedFileSystem(`a folder has ${sizeBytes} bytes`);
  const start = block * blockBytes;
  const bytes = await read(start, sizeBytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: IsoRecord[] = [];
  let open: readonly Extent[] = [];
  for (let at = 0; at < buffer.length;) {
    const length = buffer[at] ?? 0;
    // The rest of a sector is zeros where the next record had no room.
    if (length === 0) {
      at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES;
      continue;
    }
    const { record, goesOn } = recordAt(buffer, at, length, start);
    open = [...open, ...record.extents];
    if (!goesOn) {
      records.push({ ...record, extents: open });
      open = [];
    }
    at += length;
  }
  return records;
}

function recordAt(
  buffer: Buffer,
  at: number,
  length: number,
  start: number,
): { readonly record: IsoRecord; readonly goesOn: boolean } {
  const nameLength = buffer[at + 32] ?? 0;
  const systemUseAt = at + 33 + nameLength + (nameLength % 2 === 0 ? 1 : 0);
  if (length < LEAST_RECORD_BYTES || at + length > buffer.length || at + 33 + nameLength > at + length) {
    throw new DamagedFileSystem(`the directory record at byte ${start + at} does not fit its folder`);
  }
  const flags = buffer[at + 25] ?? 0;
  const record = {
    nameBytes: buffer.subarray(at + 33, at + 33 + nameLength),
    extents: [{ block: buffer.readUInt32LE(at + 2), sizeBytes: buffer.readUInt32LE(at + 10) }],
    isFolder: (flags & FOLDER) !== 0,
    modifiedSeconds: shortTime(buffer.subarray(at + 18, at + 25)),
    systemUse: buffer.subarray(Math.min(systemUseAt, at + length), at + length),
    offsetBytes: start + at,
  };
  return { record, goesOn: (flags & MORE_EXTENTS) !== 0 };
}

/** "README.TXT;1" and "KERNEL." are "README.TXT" and "KERNEL" to everybody. */
export function isoName({ nameBytes }: IsoRecord): string {
  return nameOfBytes(nameBytes).replace(/;\d+$/, '').replace(/\.$/, '');
}

/** Names of the second tree: two bytes a character, the larger first. */
export function jolietName({ nameBytes }: IsoRecord): string {
  const swapped = Buffer.from(nameBytes.subarray(0, nameBytes.length - (nameBytes.length % 2))).swap16();
  return swapped.toString('utf16le').replace(/;\d+$/, '');
}

export function isSelfOrParent({ nameBytes }: IsoRecord): boolean {
  return nameBytes.length === 1 && (nameBytes[0] === 0 || nameBytes[0] === 1);
}
