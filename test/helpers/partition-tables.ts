import { crc32 } from 'node:zlib';

/** Partition tables as bytes, made without any code of ours. */

export type Entry = {
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
  readonly active?: boolean;
};

export type GptEntry = {
  readonly type: string;
  readonly guid: string;
  readonly first: number;
  readonly last: number;
  readonly name?: string;
  readonly attributes?: bigint;
};

export const EFI_SYSTEM = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
export const LINUX_DATA = '0fc63daf-8483-4772-8e79-3d69d8477de4';
export const DISK_GUID = '01234567-89ab-4cde-8f01-23456789abcd';

/** Four entries and the signature, of an MBR or an extended boot record. */
export function putEntries(disk: Buffer, atBytes: number, entries: readonly Entry[]): void {
  entries.forEach(({ type, start, sectors, active }, index) => {
    const at = atBytes + 446 + index * 16;
    disk.writeUInt8(active === true ? 0x80 : 0, at);
    disk.writeUInt8(type, at + 4);
    disk.writeUInt32LE(start, at + 8);
    disk.writeUInt32LE(sectors, at + 12);
  });
  disk.writeUInt16LE(0xaa55, atBytes + 510);
}

/** A disk with the disk id 0a34abcd. */
export function mbrDisk(sectors: number, entries: readonly Entry[], sectorBytes = 512): Buffer {
  const disk = Buffer.alloc(sectors * sectorBytes);
  disk.writeUInt32LE(0x0a34abcd, 440);
  putEntries(disk, 0, entries);
  return disk;
}

export type GptOptions = {
  readonly sectorBytes?: number;
  /** Size in the protective MBR; firmware and tools write different things there. */
  readonly guardSectors?: number;
  readonly entryBytes?: number;
};

export function gptDisk(sectors: number, entries: readonly GptEntry[], options: GptOptions = {}): Buffer {
  const { sectorBytes = 512, guardSectors = sectors - 1, entryBytes = 128 } = options;
  const guard = [{ type: 0xee, start: 1, sectors: guardSectors }];
  const disk = mbrDisk(sectors, guard, sectorBytes);
  const table = Buffer.alloc(Math.ceil((128 * entryBytes) / sectorBytes) * sectorBytes);
  entries.forEach(({ type, guid, first, last, name = '', attributes = 0n }, index) => {
    const at = index * entryBytes;
    if (type === '') return;
    putGuid(table, at, type);
    putGuid(table, at + 16, guid);
    table.writeBigUInt64LE(BigInt(first), at + 32);
    table.writeBigUInt64LE(BigInt(last), at + 40);
    table.writeBigUInt64LE(attributes, at + 48);
    table.write(name, at + 56, 72, 'utf16le');
  });
  const tableSectors = table.length / sectorBytes;
  const header = (own: number, other: number, entriesAt: number): Buffer => {
    const bytes = Buffer.alloc(92);
    bytes.write('EFI PART', 'latin1');
    bytes.writeUInt32LE(0x10000, 8);
    bytes.writeUInt32LE(92, 12);
    bytes.writeBigUInt64LE(BigInt(own), 24);
    bytes.writeBigUInt64LE(BigInt(other), 32);
    bytes.writeBigUInt64LE(BigInt(2 + tableSectors), 40);
    bytes.writeBigUInt64LE(BigInt(sectors - tableSectors - 2), 48);
    putGuid(bytes, 56, DISK_GUID);
    bytes.writeBigUInt64LE(BigInt(entriesAt), 72);
    bytes.writeUInt32LE(128, 80);
    bytes.writeUInt32LE(entryBytes, 84);
    bytes.writeUInt32LE(crc32(table.subarray(0, 128 * entryBytes)), 88);
    bytes.writeUInt32LE(crc32(bytes), 16);
    return bytes;
  };
  header(1, sectors - 1, 2).copy(disk, sectorBytes);
  table.copy(disk, 2 * sectorBytes);
  table.copy(disk, (sectors - 1 - tableSectors) * sectorBytes);
  header(sectors - 1, 1, sectors - 1 - tableSectors).copy(disk, (sectors - 1) * sectorBytes);
  return disk;
}

function putGuid(bytes: Buffer, offset: number, guid: string): void {
  const [a = '', b = '', c = '', ...rest] = guid.split('-');
  bytes.writeUInt32LE(Number.parseInt(a, 16), offset);
  bytes.writeUInt16LE(Number.parseInt(b, 16), offset + 4);
  bytes.writeUInt16LE(Number.parseInt(c, 16), offset + 6);
  bytes.write(rest.join(''), offset + 8, 'hex');
}
