/** A FAT12, FAT16 or FAT32 by its boot sector; offsets in bytes from the beginning of its partition. */
export type FatVolume = {
  readonly kind: 'fat32' | 'fat16' | 'fat12';
  readonly sectorBytes: number;
  readonly clusterBytes: number;
  /** Data clusters have the numbers 2 to `clusters` + 1. */
  readonly clusters: number;
  readonly sizeBytes: number;
  /** Allocation tables that are kept; the first of them is the one to read. */
  readonly tableOffsetsBytes: readonly number[];
  readonly tableBytes: number;
  /** FAT12 and FAT16: where the root folder is; FAT32's is a chain of clusters like any other. */
  readonly root: { readonly offsetBytes: number; readonly sizeBytes: number } | { readonly cluster: number };
  readonly dataOffsetBytes: number;
  /** FAT32's sector with the number of free clusters. */
  readonly infoOffsetBytes: number | undefined;
  /** Where the serial is: in the boot sector, and in FAT32's copy of it. */
  readonly serialOffsetsBytes: readonly number[];
  /** Eight upper-case hex digits. */
  readonly serial: string;
  readonly label: string;
  /** Linux marks a mounted FAT in its boot sector (fs/fat/inode.c, fat_set_state). */
  readonly dirty: boolean;
};

export const BOOT_SECTOR_BYTES = 512;
export const FIRST_CLUSTER = 2;
const SECTOR_SIZES = [512, 1024, 2048, 4096];
const FOLDER_ENTRY_BYTES = 32;
/** As Linux counts them (fs/fat/fat.h, MAX_FAT12): more than so many clusters are a FAT16. */
const MOST_FAT12_CLUSTERS = 4084;
/** Bits of a table's entry. */
const ENTRY_BITS = { fat12: 12, fat16: 16, fat32: 32 } as const;
const NONE = 0xffff;

/**
 * Reads the first 512 bytes of a partition (Microsoft's FAT specification, 3). undefined when they are no FAT's boot
 * sector, or one that leaves no room for a table and files.
 */
export function parseBootSector(bytes: Uint8Array): FatVolume | undefined {
  if (!isBootSector(bytes)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sectorBytes = view.getUint16(11, true);
  const sectorsPerCluster = view.getUint8(13);
  const reserved = view.getUint16(14, true);
  const tables = view.getUint8(16);
  const rootEntries = view.getUint16(17, true);
  const sectors = view.getUint16(19, true) || view.getUint32(32, true);
  const shortTable = view.getUint16(22, true);
  const tableSectors = shortTable || view.getUint32(36, true);
  const rootSectors = Math.ceil((rootEntries * FOLDER_ENTRY_BYTES) / sectorBytes);
  const dataSector = reserved + tables * tableSectors + rootSectors;
  if (tableSectors === 0 || sectors <= dataSector) return undefined;
  // Linux and mkfs.fat go by the field, not by the number of clusters: `mkfs.fat -F 32` makes small ones too.
  const isFat32 = shortTable === 0;
  const counted = Math.floor((sectors - dataSector) / sectorsPerCluster);
  const kind = isFat32 ? 'fat32' : counted > MOST_FAT12_CLUSTERS ? 'fat16' : 'fat12';
  const tableBytes = tableSectors * sectorBytes;
  const clusters = Math.min(counted, Math.floor((tableBytes * 8) / ENTRY_BITS[kind]) - FIRST_CLUSTER);
  const root = isFat32
    ? { cluster: view.getUint32(44, true) }
    : { offsetBytes: (dataSector - rootSectors) * sectorBytes, sizeBytes: rootEntries * FOLDER_ENTRY_BYTES };
  const flags = isFat32 ? view.getUint16(40, true) : 0;
  const info = isFat32 ? view.getUint16(48, true) : NONE;
  const copy = isFat32 ? view.getUint16(50, true) : NONE;
  const extended = isFat32 ? 64 : 36;
  const isInside = (sector: number): boolean => sector > 0 && sector < reserved;
  return {
    kind,
    sectorBytes,
    clusterBytes: sectorsPerCluster * sectorBytes,
    clusters,
    sizeBytes: sectors * sectorBytes,
    tableOffsetsBytes: keptTables(tables, flags).map((table) => reserved * sectorBytes + table * tableBytes),
    tableBytes,
    root,
    dataOffsetBytes: dataSector * sectorBytes,
    infoOffsetBytes: isInside(info) ? info * sectorBytes : undefined,
    serialOffsetsBytes: [0, ...(isInside(copy) ? [copy] : [])].map((sector) => sector * sectorBytes + extended + 3),
    serial: view
      .getUint32(extended + 3, true)
      .toString(16)
      .toUpperCase()
      .padStart(8, '0'),
    label: labelText(bytes.subarray(extended + 7, extended + 18)),
    dirty: (view.getUint8(extended + 1) & 1) !== 0,
  };
}

/** What Linux asks of a boot sector (fs/fat/inode.c, fat_read_bpb), and the signature at its end. */
function isBootSector(bytes: Uint8Array): boolean {
  if (bytes.length < BOOT_SECTOR_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sectorsPerCluster = view.getUint8(13);
  const media = view.getUint8(21);
  return (
    view.getUint16(510, true) === 0xaa55 &&
    SECTOR_SIZES.includes(view.getUint16(11, true)) &&
    sectorsPerCluster > 0 &&
    (sectorsPerCluster & (sectorsPerCluster - 1)) === 0 &&
    view.getUint16(14, true) > 0 &&
    view.getUint8(16) > 0 &&
    (media >= 0xf8 || media === 0xf0)
  );
}

/** FAT32, bit 7: the tables are no copies of each other, and bits 0 to 3 name the one that counts. */
function keptTables(tables: number, flags: number): readonly number[] {
  return (flags & 0x80) === 0 ? Array.from({ length: tables }, (_, index) => index) : [flags & 0x0f];
}

export function labelText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1').trimEnd();
  return text === 'NO NAME' ? '' : text;
}

export function clusterOffset(volume: FatVolume, cluster: number): number {
  return volume.dataOffsetBytes + (cluster - FIRST_CLUSTER) * volume.clusterBytes;
}

export function isDataCluster(volume: FatVolume, cluster: number): boolean {
  return cluster >= FIRST_CLUSTER && cluster < volume.clusters + FIRST_CLUSTER;
}
