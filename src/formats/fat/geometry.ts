import { MiB } from '../../model/bytes.js';
import type { TreeContent } from '../../model/tree-content.js';

const SECTOR_BYTES = 512;
/** mkfs.fat's own number for FAT32; the boot sector, FSInfo and their copies lie in there. */
const RESERVED_SECTORS = 32;
const FATS = 2;
/** A FAT with fewer clusters is FAT16 to every driver and to the boot ROM, whatever its label says (Microsoft's FAT specification, 3.5). */
const MIN_CLUSTERS = 65_525;
/** Cluster sizes as mkfs.fat chooses them: up to 260 MiB 512 bytes, so that the smallest FAT32 is 33 MiB and not 260. */
const CLUSTER_SIZES = [
  { upToBytes: 260 * MiB, clusterBytes: 512 },
  { upToBytes: 8 * 1024 * MiB, clusterBytes: 4096 },
  { upToBytes: 16 * 1024 * MiB, clusterBytes: 8192 },
  { upToBytes: 32 * 1024 * MiB, clusterBytes: 16_384 },
] as const;
const LARGEST_CLUSTER_BYTES = 32_768;

export type Fat32Geometry = {
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly overheadBytes: number;
};

/** How a FAT32 of that size is laid out. `clusters` below the minimum mean that the size cannot be FAT32. */
export function fat32Geometry(sizeBytes: number): Fat32Geometry {
  const clusterBytes =
    CLUSTER_SIZES.find(({ upToBytes }) => sizeBytes <= upToBytes)?.clusterBytes ?? LARGEST_CLUSTER_BYTES;
  const sectorsPerCluster = clusterBytes / SECTOR_BYTES;
  const sectors = Math.floor(sizeBytes / SECTOR_BYTES);
  // As many FAT sectors as all clusters would need without FATs: a few too many, never too few.
  const fatSectors = Math.ceil(((sectors / sectorsPerCluster + 2) * 4) / SECTOR_BYTES);
  const alignedFatSectors = Math.ceil(fatSectors / sectorsPerCluster) * sectorsPerCluster;
  const dataSectors = sectors - RESERVED_SECTORS - FATS * alignedFatSectors;
  const clusters = Math.max(0, Math.floor(dataSectors / sectorsPerCluster));
  return { clusterBytes, clusters, overheadBytes: sizeBytes - clusters * clusterBytes };
}

export function isFat32(sizeBytes: number): boolean {
  return fat32Geometry(sizeBytes).clusters >= MIN_CLUSTERS;
}

/** The smallest FAT32 takes 34,098,688 bytes; this is the next whole MiB. */
export const FAT32_MIN_BYTES = 33 * MiB;

/** Room that files take in it: whole clusters, and a directory entry with the longest name each. */
export function fat32ContentBytes(content: TreeContent, clusterBytes: number): number {
  const longestEntryBytes = 21 * 32;
  const rootFolder = 1;
  return content.bytes + (content.files + rootFolder) * clusterBytes + content.files * longestEntryBytes;
}
