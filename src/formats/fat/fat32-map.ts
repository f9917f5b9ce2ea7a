import type { ByteRange } from '../../model/byte-range.js';
import { mergeRanges } from '../../model/byte-range.js';

/** Where a FAT32 keeps what; offsets count from the partition's beginning. Microsoft's FAT specification, section 3. */
export type Fat32Layout = {
  /** Boot sector, FSInfo, their copies and whatever else lies before the first FAT. */
  readonly reservedBytes: number;
  readonly fatBytes: number;
  readonly fats: number;
  /** The first FAT. */
  readonly fat: ByteRange;
  /** Cluster 2 begins here. */
  readonly dataOffsetBytes: number;
  readonly clusterBytes: number;
  readonly clusters: number;
};

const ENTRY_BYTES = 4;
/** The upper four bits of an entry are reserved. */
const ENTRY_MASK = 0x0fff_ffff;
const FIRST_CLUSTER = 2;
const MIN_CLUSTERS = 65_525;
const SECTOR_SIZES = [512, 1024, 2048, 4096];

/** Reads the boot sector (the first 512 bytes); undefined for anything that is not a FAT32 of at most `sizeBytes`. */
export function parseFat32(bootSector: Uint8Array, sizeBytes: number): Fat32Layout | undefined {
  if (bootSector.length < 512) return undefined;
  const view = new DataView(bootSector.buffer, bootSector.byteOffset, 512);
  if (view.getUint16(510, true) !== 0xaa55) return undefined;
  const sectorBytes = view.getUint16(11, true);
  const sectorsPerCluster = view.getUint8(13);
  const reservedSectors = view.getUint16(14, true);
  const fats = view.getUint8(16);
  const rootEntries = view.getUint16(17, true);
  const fatSectors16 = view.getUint16(22, true);
  const sectors = view.getUint32(32, true);
  const fatSectors = view.getUint32(36, true);
  // FAT12 and FAT16 have their root folder and the length of their FAT elsewhere.
  const isFat32 = rootEntries === 0 && fatSectors16 === 0 && view.getUint16(19, true) === 0;
  if (!isFat32 || !SECTOR_SIZES.includes(sectorBytes) || !isPowerOfTwo(sectorsPerCluster)) return undefined;
  if (reservedSectors === 0 || fats === 0 || fatSectors === 0 || sectors * sectorBytes > sizeBytes) return undefined;
  const dataSectors = sectors - reservedSectors - fats * fatSectors;
  const clusters = Math.floor(dataSectors / sectorsPerCluster);
  const fatBytes = fatSectors * sectorBytes;
  if (clusters < MIN_CLUSTERS || fatBytes < (clusters + FIRST_CLUSTER) * ENTRY_BYTES) return undefined;
  const reservedBytes = reservedSectors * sectorBytes;
  return {
    reservedBytes,
    fatBytes,
    fats,
    fat: { offsetBytes: reservedBytes, sizeBytes: fatBytes },
    dataOffsetBytes: reservedBytes + fats * fatBytes,
    clusterBytes: sectorsPerCluster * sectorBytes,
    clusters,
  };
}

/** What a FAT32 uses: all before its data, and every cluster that its first FAT does not call free. */
export function fat32MappedRanges(layout: Fat32Layout, fat: Uint8Array): readonly ByteRange[] {
  const view = new DataView(fat.buffer, fat.byteOffset, fat.byteLength);
  const ranges: ByteRange[] = [{ offsetBytes: 0, sizeBytes: layout.dataOffsetBytes }];
  for (let index = 0; index < layout.clusters; index += 1) {
    if ((view.getUint32((index + FIRST_CLUSTER) * ENTRY_BYTES, true) & ENTRY_MASK) === 0) continue;
    ranges.push({
      offsetBytes: layout.dataOffsetBytes + index * layout.clusterBytes,
      sizeBytes: layout.clusterBytes,
    });
  }
  return mergeRanges(ranges);
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
