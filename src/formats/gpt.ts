import { crc32 } from 'node:zlib';
import type { ByteRange } from '../model/byte-range.js';
import { endOf } from '../model/byte-range.js';
import type { ReadAt } from '../model/read-at.js';
import { UserError } from '../errors.js';

/** One used entry of a GUID partition table. */
export type GptPartition = ByteRange & {
  readonly number: number;
  /** GUID of the type, in lower case. */
  readonly type: string;
  /** GUID of the partition, in lower case. */
  readonly partUuid: string;
  readonly name: string;
  /** Attribute 2: a PC's old firmware may start it. */
  readonly bootable: boolean;
};

export type Gpt = {
  readonly diskGuid: string;
  readonly sectorSizeBytes: number;
  readonly partitions: readonly GptPartition[];
  /** Header and entries, at the disk's beginning and at its end. */
  readonly ownRanges: readonly ByteRange[];
  /** The primary table was damaged, the backup at the disk's end is good. */
  readonly isFromBackup: boolean;
};

/** UEFI specification 2.10, 5.3.2: "EFI PART". */
const SIGNATURE = Buffer.from('EFI PART', 'latin1');
const HEADER_BYTES = 92;
const CRC_OFFSET = 16;
const NAME_OFFSET = 56;
const NAME_BYTES = 72;
const BOOTABLE_BIT = 4n;
const SECTOR_SIZES = [512, 4096] as const;
/** 128 entries of 128 bytes are usual; nobody reads a table of gigabytes into memory. */
const MOST_TABLE_BYTES = 1024 * 1024;
const NO_GUID = '00000000-0000-0000-0000-000000000000';

/**
 * Reads the GPT behind a protective MBR: the primary table, or the backup at the disk's end where the primary's
 * checksums are wrong. Throws UserError `partition-table-invalid` when neither is good.
 *
 * @param sizeBytes of the disk; undefined while it is not known: then there is no backup to fall back to
 * @param sectorSizeBytes of the drive; undefined for image files, which do not say: 512 and 4096 are tried
 */
export async function readGpt(
  read: ReadAt,
  sizeBytes: number | undefined,
  sectorSizeBytes: number | undefined,
): Promise<Gpt> {
  const sizes = sectorSizeBytes === undefined ? SECTOR_SIZES : [sectorSizeBytes];
  for (const size of sizes) {
    const found = await readTable(read, size, size);
    if (found !== undefined) return { ...found, isFromBackup: false };
  }
  for (const size of sizeBytes === undefined ? [] : sizes) {
    const last = Math.floor((sizeBytes ?? 0) / size) - 1;
    const found = last > 1 ? await readTable(read, last * size, size) : undefined;
    if (found !== undefined) return { ...found, isFromBackup: true };
  }
  throw new UserError(
    'partition-table-invalid',
    'The partition table is damaged: it is a GPT, and neither its table nor the backup at the end has a right checksum',
    { hints: ['Was it copied or downloaded to its end? `sgdisk --verify` says more.'] },
  );
}

/** undefined where no header is, or its checksums are wrong. */
async function readTable(
  read: ReadAt,
  headerOffsetBytes: number,
  sectorSizeBytes: number,
): Promise<Omit<Gpt, 'isFromBackup'> | undefined> {
  const header = Buffer.from(await read(headerOffsetBytes, sectorSizeBytes));
  if (!isHeader(header, headerOffsetBytes / sectorSizeBytes)) return undefined;
  const lba = (offset: number): number => Number(header.readBigUInt64LE(offset)) * sectorSizeBytes;
  const [entriesOffset, count, entryBytes] = [lba(72), header.readUInt32LE(80), header.readUInt32LE(84)];
  const tableBytes = count * entryBytes;
  if (entryBytes < NAME_OFFSET + NAME_BYTES || tableBytes > MOST_TABLE_BYTES) return undefined;
  const entries = Buffer.from(await read(entriesOffset, tableBytes));
  if (entries.length < tableBytes || crc32(entries) !== header.readUInt32LE(88)) return undefined;
  const [first, last] = [lba(40), lba(48) + sectorSizeBytes];
  const partitions: GptPartition[] = [];
  for (let index = 0; index < count; index += 1) {
    const partition = parseEntry(entries.subarray(index * entryBytes, (index + 1) * entryBytes), sectorSizeBytes);
    if (partition === undefined) continue;
    if (partition.sizeBytes <= 0 || partition.offsetBytes < first || endOf(partition) > last) throw outside(index + 1);
    partitions.push({ number: index + 1, ...partition });
  }
  const other = lba(32);
  const table = Math.ceil(tableBytes / sectorSizeBytes) * sectorSizeBytes;
  const isPrimary = headerOffsetBytes === sectorSizeBytes;
  // The backup's entries lie right before its header; the primary's where the header says.
  const [front, back] = isPrimary ? [entriesOffset + table, other] : [first, headerOffsetBytes];
  return {
    diskGuid: guid(header, 56),
    sectorSizeBytes,
    partitions,
    ownRanges: [
      { offsetBytes: 0, sizeBytes: front },
      { offsetBytes: back - table, sizeBytes: table + sectorSizeBytes },
    ],
  };
}

function isHeader(header: Buffer, lba: number): boolean {
  if (header.length < HEADER_BYTES || !header.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return false;
  const headerBytes = header.readUInt32LE(12);
  if (headerBytes < HEADER_BYTES || headerBytes > header.length) return false;
  const checked = Buffer.from(header.subarray(0, headerBytes));
  checked.writeUInt32LE(0, CRC_OFFSET);
  return crc32(checked) === header.readUInt32LE(CRC_OFFSET) && header.readBigUInt64LE(24) === BigInt(lba);
}

/** undefined for an entry that is not used. */
function parseEntry(entry: Buffer, sectorSizeBytes: number): Omit<GptPartition, 'number'> | undefined {
  const type = guid(entry, 0);
  if (type === NO_GUID) return undefined;
  const first = Number(entry.readBigUInt64LE(32));
  const last = Number(entry.readBigUInt64LE(40));
  const [name = ''] = entry.toString('utf16le', NAME_OFFSET, NAME_OFFSET + NAME_BYTES).split('\0');
  return {
    type,
    partUuid: guid(entry, 16),
    name,
    bootable: (entry.readBigUInt64LE(48) & BOOTABLE_BIT) !== 0n,
    offsetBytes: first * sectorSizeBytes,
    sizeBytes: (last - first + 1) * sectorSizeBytes,
  };
}

/** The first three fields are little-endian numbers, the rest are bytes in their order. */
function guid(bytes: Buffer, offset: number): string {
  const number = (at: number, length: number): string =>
    bytes
      .readUIntLE(offset + at, length)
      .toString(16)
      .padStart(length * 2, '0');
  const rest = bytes.toString('hex', offset + 8, offset + 16);
  return [number(0, 4), number(4, 2), number(6, 2), rest.slice(0, 4), rest.slice(4)].join('-');
}

function outside(number: number): UserError {
  return new UserError(
    'partition-table-invalid',
    `The partition table is damaged: partition ${number} lies outside of what its GPT calls usable`,
    { hints: ['`sgdisk --verify` says more.'] },
  );
}
