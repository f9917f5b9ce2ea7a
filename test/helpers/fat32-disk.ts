import { open, truncate } from 'node:fs/promises';
import type { ReadAt } from '../../src/model/read-at.js';

const SECTOR = 512;
const RESERVED = 32;
const CLUSTERS = 66_000;
const TABLE_SECTORS = Math.ceil(((CLUSTERS + 2) * 4) / SECTOR);

/** A disk in memory that is mostly zeros. */
export type MemoryDisk = {
  readonly sizeBytes: number;
  readonly read: ReadAt;
  write(offsetBytes: number, bytes: Uint8Array): void;
  readBytes: number;
};

export function memoryDisk(sizeBytes: number): MemoryDisk {
  const sectors = new Map<number, Buffer>();
  const disk: MemoryDisk = {
    sizeBytes,
    readBytes: 0,
    read(offsetBytes, wanted) {
      const length = Math.max(0, Math.min(wanted, sizeBytes - offsetBytes));
      const bytes = Buffer.alloc(length);
      for (let position = 0; position < length; position += 1) {
        const at = offsetBytes + position;
        if (position === 0 || at % SECTOR === 0) {
          const sector = sectors.get(Math.floor(at / SECTOR));
          sector?.copy(bytes, position, at % SECTOR);
          position += SECTOR - (at % SECTOR) - 1;
        }
      }
      disk.readBytes += length;
      return Promise.resolve(bytes);
    },
    write(offsetBytes, bytes) {
      for (let position = 0; position < bytes.length;) {
        const at = offsetBytes + position;
        const number = Math.floor(at / SECTOR);
        const sector = sectors.get(number) ?? Buffer.alloc(SECTOR);
        const part = bytes.subarray(position, position + SECTOR - (at % SECTOR));
        sector.set(part, at % SECTOR);
        sectors.set(number, sector);
        position += part.length;
      }
    },
  };
  return disk;
}

/** An empty FAT32 in the only partition of a disk, as mkfs.fat makes it. */
export function fat32Disk({ offsetSectors = 8, sectorsPerCluster = 1, freeClusters = CLUSTERS - 1 } = {}): MemoryDisk {
  const sectors = RESERVED + 2 * TABLE_SECTORS + CLUSTERS * sectorsPerCluster;
  const disk = memoryDisk((offsetSectors + sectors) * SECTOR);
  const table = Buffer.alloc(SECTOR);
  table.writeUInt32LE(0x1234_abcd, 440);
  table.writeUInt8(0x0c, 446 + 4);
  table.writeUInt32LE(offsetSectors, 446 + 8);
  table.writeUInt32LE(sectors, 446 + 12);
  table.writeUInt16BE(0x55aa, 510);
  disk.write(0, table);

  const boot = Buffer.alloc(SECTOR);
  boot.write('\u00eb\u0058\u0090mkfs.fat', 'latin1');
  boot.writeUInt16LE(SECTOR, 11);
  boot.writeUInt8(sectorsPerCluster, 13);
  boot.writeUInt16LE(RESERVED, 14);
  boot.writeUInt8(2, 16);
  boot.writeUInt8(0xf8, 21);
  boot.writeUInt32LE(sectors, 32);
  boot.writeUInt32LE(TABLE_SECTORS, 36);
  boot.writeUInt32LE(2, 44);
  boot.writeUInt16LE(1, 48);
  boot.writeUInt16LE(6, 50);
  boot.writeUInt8(0x29, 66);
  boot.writeUInt32LE(0xcafe_f00d, 67);
  boot.write('BOOT       FAT32   ', 71, 'latin1');
  boot.writeUInt16BE(0x55aa, 510);
  const info = Buffer.alloc(SECTOR);
  info.writeUInt32LE(0x4161_5252, 0);
  info.writeUInt32LE(0x6141_7272, 484);
  info.writeUInt32LE(freeClusters, 488);
  info.writeUInt32LE(2, 492);
  info.writeUInt16BE(0x55aa, 510);
  const start = offsetSectors * SECTOR;
  for (const copy of [0, 6]) {
    disk.write(start + copy * SECTOR, boot);
    disk.write(start + (copy + 1) * SECTOR, info);
  }
  const first = Buffer.alloc(12);
  first.writeUInt32LE(0x0fff_fff8, 0);
  first.writeUInt32LE(0x0fff_ffff, 4);
  first.writeUInt32LE(0x0fff_ffff, 8);
  for (const number of [0, 1]) {
    const at = start + (RESERVED + number * TABLE_SECTORS) * SECTOR;
    disk.write(at, first);
    // All but so many clusters are in use.
    for (let cluster = freeClusters + 3; cluster < CLUSTERS + 2; cluster += 1) {
      disk.write(at + cluster * 4, Buffer.from([0xff, 0xff, 0xff, 0x0f]));
    }
  }
  return disk;
}

/** As a file; zeros are holes. */
export async function saveDisk(disk: MemoryDisk, path: string): Promise<void> {
  const file = await open(path, 'w');
  for (let position = 0; position < disk.sizeBytes; position += 1 << 20) {
    const bytes = await disk.read(position, 1 << 20);
    if (bytes.some((byte) => byte !== 0)) await file.write(bytes, 0, bytes.length, position);
  }
  await file.close();
  await truncate(path, disk.sizeBytes);
}
