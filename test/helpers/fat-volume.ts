import type { MemoryDisk } from './fat32-disk.js';
import { memoryDisk } from './fat32-disk.js';

const RESERVED = 8;
const CLUSTERS = { fat12: 200, fat16: 5000, fat32: 66_000 } as const;
const ENTRY_BITS = { fat12: 12, fat16: 16, fat32: 32 } as const;
const END_MARKS = { fat12: [0xff8, 0xfff], fat16: [0xfff8, 0xffff], fat32: [0x0fff_fff8, 0x0fff_ffff] } as const;

export type FatShape = {
  readonly kind: 'fat12' | 'fat16' | 'fat32';
  readonly sectorBytes?: number;
  /** Of FAT12 and FAT16. */
  readonly rootEntries?: number;
  /** FAT32: only this table counts. */
  readonly activeTable?: number;
};

/** An empty FAT that begins where the disk does, as mkfs.fat makes it; clusters have one sector. */
export function fatVolume({ kind, sectorBytes = 512, rootEntries = 64, activeTable }: FatShape): MemoryDisk {
  const clusters = CLUSTERS[kind];
  const isFat32 = kind === 'fat32';
  const tableSectors = Math.ceil(((clusters + 2) * ENTRY_BITS[kind]) / 8 / sectorBytes);
  const rootSectors = isFat32 ? 0 : Math.ceil((rootEntries * 32) / sectorBytes);
  const sectors = RESERVED + 2 * tableSectors + rootSectors + clusters;
  const disk = memoryDisk(sectors * sectorBytes);
  const boot = Buffer.alloc(512);
  boot.writeUInt16LE(sectorBytes, 11);
  boot.writeUInt8(1, 13);
  boot.writeUInt16LE(RESERVED, 14);
  boot.writeUInt8(2, 16);
  boot.writeUInt16LE(isFat32 ? 0 : rootEntries, 17);
  boot.writeUInt8(0xf8, 21);
  boot.writeUInt16LE(isFat32 ? 0 : tableSectors, 22);
  boot.writeUInt32LE(sectors, 32);
  const extended = isFat32 ? 64 : 36;
  if (isFat32) {
    boot.writeUInt32LE(tableSectors, 36);
    boot.writeUInt16LE(activeTable === undefined ? 0 : 0x80 | activeTable, 40);
    boot.writeUInt32LE(2, 44);
    boot.writeUInt16LE(1, 48);
    boot.writeUInt16LE(6, 50);
  }
  boot.writeUInt32LE(0xcafe_f00d, extended + 3);
  boot.write('BOOT       ', extended + 7, 'latin1');
  boot.writeUInt16BE(0x55aa, 510);
  disk.write(0, boot);
  if (isFat32) {
    disk.write(6 * sectorBytes, boot);
    const info = Buffer.alloc(512);
    info.writeUInt32LE(0x4161_5252, 0);
    info.writeUInt32LE(0x6141_7272, 484);
    info.writeUInt32LE(clusters - 1, 488);
    info.writeUInt32LE(2, 492);
    disk.write(sectorBytes, info);
  }
  const [first, last] = END_MARKS[kind];
  for (const table of [0, 1]) {
    if (activeTable !== undefined && table !== activeTable) continue;
    disk.write((RESERVED + table * tableSectors) * sectorBytes, firstEntries(kind, first, last));
  }
  return disk;
}

function firstEntries(kind: FatShape['kind'], first: number, last: number): Buffer {
  const entries = Buffer.alloc(12);
  if (kind === 'fat12') entries.writeUIntLE(first + last * 0x1000, 0, 3);
  if (kind === 'fat16') entries.writeUInt32LE(first + last * 0x1_0000);
  // The root folder's only cluster, too.
  if (kind === 'fat32') [first, last, last].forEach((entry, index) => entries.writeUInt32LE(entry, index * 4));
  return entries;
}
