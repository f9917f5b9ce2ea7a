/** FAT12, FAT16 and FAT32 as they lie on the disk (Microsoft's FAT specification 1.03). Faults are thrown as `FatFault`. */
export class FatFault extends Error {}

export type FatVolume = {
  readonly kind: 'fat32' | 'fat16' | 'fat12';
  readonly sectorBytes: number;
  readonly clusterBytes: number;
  readonly sizeBytes: number;
  readonly fatOffsetBytes: number;
  readonly fatBytes: number;
  /** FAT12 and FAT16: where the root folder lies; FAT32's is a chain of clusters like any other. */
  readonly rootFolder: { readonly offsetBytes: number; readonly sizeBytes: number } | { readonly cluster: number };
  readonly dataOffsetBytes: number;
  /** Numbered from 2. */
  readonly clusters: number;
  readonly serial: string;
  readonly label: string;
  /** Linux marks a mounted FAT in its boot sector (fs/fat/inode.c, fat_set_state). */
  readonly dirty: boolean;
};

/** The boot sector; undefined when the bytes are none. */
export function parseBootSector(bytes: Uint8Array): FatVolume | undefined {
  const view = viewOf(bytes);
  const sectorBytes = view.getUint16(11, true);
  const sectorsPerCluster = view.getUint8(13);
  const reserved = view.getUint16(14, true);
  const fats = view.getUint8(16);
  const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;
  if (
    view.getUint16(510, true) !== 0xaa55 ||
    ![512, 1024, 2048, 4096].includes(sectorBytes) ||
    !isPowerOfTwo(sectorsPerCluster) ||
    reserved === 0 ||
    (fats !== 1 && fats !== 2)
  ) {
    return undefined;
  }
  const rootEntries = view.getUint16(17, true);
  const sectors = view.getUint16(19, true) || view.getUint32(32, true);
  const fatSectors = view.getUint16(22, true) || view.getUint32(36, true);
  const rootSectors = Math.ceil((rootEntries * 32) / sectorBytes);
  const firstDataSector = reserved + fats * fatSectors + rootSectors;
  if (fatSectors === 0 || sectors <= firstDataSector) return undefined;
  const clusters = Math.floor((sectors - firstDataSector) / sectorsPerCluster);
  const kind = clusters < 4085 ? 'fat12' : clusters < 65_525 ? 'fat16' : 'fat32';
  // A FAT32 with too few clusters says by its empty root folder what it is (mkfs.fat -F 32 makes such).
  const isFat32 = kind === 'fat32' || (rootEntries === 0 && view.getUint16(22, true) === 0);
  const extended = isFat32 ? 64 : 36;
  const serial = view
    .getUint32(extended + 3, true)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  return {
    kind: isFat32 ? 'fat32' : kind,
    sectorBytes,
    clusterBytes: sectorsPerCluster * sectorBytes,
    sizeBytes: sectors * sectorBytes,
    fatOffsetBytes: reserved * sectorBytes,
    fatBytes: fatSectors * sectorBytes,
    rootFolder: isFat32
      ? { cluster: view.getUint32(44, true) }
      : { offsetBytes: (firstDataSector - rootSectors) * sectorBytes, sizeBytes: rootEntries * 32 },
    dataOffsetBytes: firstDataSector * sectorBytes,
    clusters,
    serial: `${serial.slice(0, 4)}-${serial.slice(4)}`,
    label: shortText(bytes.subarray(extended + 7, extended + 18)),
    dirty: (view.getUint8(extended + 1) & 1) !== 0,
  };
}

/** The next cluster of a chain: 0 is free, `END` ends it, `BAD` is a damaged one. */
export const END = -1;
export const BAD = -2;

export function nextCluster(table: Uint8Array, cluster: number, kind: FatVolume['kind']): number {
  const view = viewOf(table);
  const width = { fat12: 1.5, fat16: 2, fat32: 4 }[kind];
  const at = Math.floor(cluster * width);
  if (at + Math.ceil(width) > table.length)
    throw new FatFault(`cluster ${cluster} has no place in the allocation table`);
  const limit = { fat12: 0xff7, fat16: 0xfff7, fat32: 0xffffff7 }[kind];
  const value =
    kind === 'fat32'
      ? view.getUint32(at, true) & 0xfff_ffff
      : kind === 'fat16'
        ? view.getUint16(at, true)
        : (view.getUint16(at, true) >> (cluster % 2 === 0 ? 0 : 4)) & 0xfff;
  return value > limit ? END : value === limit ? BAD : value;
}

export type FatItem = {
  readonly name: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly sizeBytes: number;
  readonly modifiedSeconds: number;
};

const ATTRIBUTE = { volume: 0x08, folder: 0x10, longName: 0x0f } as const;

/** All of a folder's clusters one after the other; `label` is the volume's, which lies in the root folder. */
export function parseFolder(bytes: Uint8Array): { readonly items: readonly FatItem[]; readonly label?: string } {
  const items: FatItem[] = [];
  let label: string | undefined;
  let longName = '';
  for (let at = 0; at + 32 <= bytes.length; at += 32) {
    const slot = bytes.subarray(at, at + 32);
    const first = slot[0] ?? 0;
    if (first === 0) break;
    const attributes = slot[11] ?? 0;
    if (first === 0xe5) longName = '';
    else if (attributes === ATTRIBUTE.longName) longName = longNamePart(slot) + ((first & 0x40) === 0 ? longName : '');
    else {
      if ((attributes & ATTRIBUTE.volume) !== 0) label = shortText(slot.subarray(0, 11));
      else {
        const name = longName === '' ? shortName(slot) : longName;
        if (name !== '.' && name !== '..') items.push(itemOf(slot, name, (attributes & ATTRIBUTE.folder) !== 0));
      }
      longName = '';
    }
  }
  return { items, ...(label === undefined ? {} : { label }) };
}

function itemOf(slot: Uint8Array, name: string, isFolder: boolean): FatItem {
  if (/[/\0]/.test(name)) throw new FatFault('a folder has an impossible name');
  const view = viewOf(slot);
  return {
    name,
    isFolder,
    cluster: view.getUint16(20, true) * 65_536 + view.getUint16(26, true),
    sizeBytes: view.getUint32(28, true),
    modifiedSeconds: secondsOf(view.getUint16(24, true), view.getUint16(22, true)),
  };
}

/** Thirteen UTF-16 characters in three pieces; 0 ends the name. */
function longNamePart(slot: Uint8Array): string {
  const bytes = Buffer.concat([slot.subarray(1, 11), slot.subarray(14, 26), slot.subarray(28, 32)]);
  const text = bytes.toString('utf16le');
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** 8.3, with Windows NT's two bits that say "in small letters". */
function shortName(slot: Uint8Array): string {
  const cases = slot[12] ?? 0;
  const bytes = Uint8Array.from(slot.subarray(0, 11));
  if (bytes[0] === 0x05) bytes[0] = 0xe5;
  const part = (from: number, to: number, isSmall: boolean): string => {
    const text = Buffer.from(bytes.subarray(from, to)).toString('latin1').trimEnd();
    return isSmall ? text.toLowerCase() : text;
  };
  const extension = part(8, 11, (cases & 0x10) !== 0);
  return part(0, 8, (cases & 0x08) !== 0) + (extension === '' ? '' : `.${extension}`);
}

function shortText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1').trimEnd();
  return text === 'NO NAME' ? '' : text;
}

function secondsOf(date: number, time: number): number {
  if (date === 0) return 0;
  const [year, month, day] = [1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31];
  return Date.UTC(year, month, day, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
