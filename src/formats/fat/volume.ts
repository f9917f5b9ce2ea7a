import { UserError } from '../../errors.js';
import { SECTOR_BYTES } from '../image-delta.js';

/** Where everything of a FAT32 lies; offsets in bytes from the beginning of the disk. */
export type FatVolume = {
  readonly offsetBytes: number;
  readonly clusterBytes: number;
  /** Data clusters have the numbers 2 to `clusters` + 1. */
  readonly clusters: number;
  readonly rootCluster: number;
  readonly dataOffsetBytes: number;
  /** Tables to write; the first is the one to read. */
  readonly tableOffsetsBytes: readonly number[];
  readonly infoOffsetBytes: number | undefined;
  /** Eight upper-case hex digits. */
  readonly serial: string;
};

export const FIRST_CLUSTER = 2;
const MIN_FAT32_CLUSTERS = 65_525;
const SERIAL_OFFSET = 67;

/**
 * Reads the boot sector of a partition (Microsoft's FAT specification, 3.1 to 3.3). Throws UserError
 * `boot-partition-not-fat32` for anything else, FAT16 included.
 */
export function parseFatVolume(sector: Uint8Array, offsetBytes: number): FatVolume {
  if (sector.length < SECTOR_BYTES || sector[510] !== 0x55 || sector[511] !== 0xaa) throw notFat32('no boot sector');
  const view = new DataView(sector.buffer, sector.byteOffset, SECTOR_BYTES);
  const sectorsPerCluster = view.getUint8(13);
  const reserved = view.getUint16(14, true);
  const tables = view.getUint8(16);
  const sectors = view.getUint32(32, true);
  const tableSectors = view.getUint32(36, true);
  const flags = view.getUint16(40, true);
  if (view.getUint16(11, true) !== SECTOR_BYTES) throw notFat32('sectors that are not 512 bytes long');
  if (tableSectors === 0 || view.getUint16(22, true) !== 0) throw notFat32('no FAT32');
  if (tables === 0 || sectorsPerCluster === 0 || (sectorsPerCluster & (sectorsPerCluster - 1)) !== 0 || reserved < 2) {
    throw notFat32('a boot sector that makes no sense');
  }
  const dataSector = reserved + tables * tableSectors;
  const clusters = Math.min(
    Math.floor((sectors - dataSector) / sectorsPerCluster),
    (tableSectors * SECTOR_BYTES) / 4 - FIRST_CLUSTER,
  );
  if (clusters < MIN_FAT32_CLUSTERS) throw notFat32(`too few clusters for FAT32 (${clusters})`);
  const table = (index: number): number => offsetBytes + (reserved + index * tableSectors) * SECTOR_BYTES;
  // Bit 7: the tables are no copies of each other, and bits 0 to 3 name the one that counts.
  const isMirrored = (flags & 0x80) === 0;
  const infoSector = view.getUint16(48, true);
  return {
    offsetBytes,
    clusterBytes: sectorsPerCluster * SECTOR_BYTES,
    clusters,
    rootCluster: view.getUint32(44, true),
    dataOffsetBytes: offsetBytes + dataSector * SECTOR_BYTES,
    tableOffsetsBytes: isMirrored ? Array.from({ length: tables }, (_, index) => table(index)) : [table(flags & 0x0f)],
    infoOffsetBytes: infoSector === 0 || infoSector >= reserved ? undefined : offsetBytes + infoSector * SECTOR_BYTES,
    serial: view.getUint32(SERIAL_OFFSET, true).toString(16).padStart(8, '0').toUpperCase(),
  };
}

/** Boot sector and its copy hold the serial; the copy's sector is at 50. */
export function serialPlaces(sector: Uint8Array, offsetBytes: number): readonly number[] {
  const copy = new DataView(sector.buffer, sector.byteOffset, SECTOR_BYTES).getUint16(50, true);
  const hasCopy = copy > 0 && copy < 0xffff;
  return [0, ...(hasCopy ? [copy] : [])].map((number) => offsetBytes + number * SECTOR_BYTES + SERIAL_OFFSET);
}

export function clusterOffset(volume: FatVolume, cluster: number): number {
  return volume.dataOffsetBytes + (cluster - FIRST_CLUSTER) * volume.clusterBytes;
}

export function isDataCluster(volume: FatVolume, cluster: number): boolean {
  return cluster >= FIRST_CLUSTER && cluster < volume.clusters + FIRST_CLUSTER;
}

function notFat32(found: string): UserError {
  return new UserError('boot-partition-not-fat32', `The boot partition is not a FAT32 that can be edited: ${found}`, {
    hints: ['Is this the image of a Raspberry Pi? `fsck.fat -n` on the partition says more.'],
  });
}
