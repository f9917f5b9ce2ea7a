import type { ReadAt } from '../../model/read-at.js';
import { DamagedFileSystem, UnreadFileSystem } from '../file-system/file-system.js';

/** Where a folder's or a file's bytes are. */
export type Extent = { readonly block: number; readonly sizeBytes: number };

/** What the volume descriptors of a disc say (ECMA-119, 8.4 and 8.5). */
export type IsoVolume = {
  readonly label: string;
  /** As blkid writes it: when it was changed last, to hundredths of a second. */
  readonly uuid: string;
  readonly blockBytes: number;
  readonly sizeBytes: number;
  readonly root: Extent;
  /** Of the second tree, whose names are Unicode; Windows reads that one. */
  readonly jolietRoot?: Extent;
  /** Block of El Torito's catalogue. */
  readonly bootCatalogue?: number;
};

const SECTOR_BYTES = 2048;
const FIRST_SECTOR = 16;
const MOST_DESCRIPTORS = 64;
const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const BOOT = 0;
const END = 255;
const EL_TORITO = 'EL TORITO SPECIFICATION';
/** UCS-2 levels 1 to 3. */
const JOLIET_ESCAPES = ['%/@', '%/C', '%/E'];

export const ISO_SIGNATURE_AT = FIRST_SECTOR * SECTOR_BYTES + 1;

/** Whether bytes from a disc's beginning are those of an ISO 9660. */
export function isIso9660(start: Uint8Array): boolean {
  return textAt(start, ISO_SIGNATURE_AT, 5) === 'CD001';
}

/** Whether they are those of a UDF that has no ISO 9660 beside it. */
export function isUdf(start: Uint8Array): boolean {
  return textAt(start, ISO_SIGNATURE_AT, 5) === 'BEA01';
}

/** Throws DamagedFileSystem, UnreadFileSystem. @param sizeBytes of what the disc lies in */
export async function readDescriptors(read: ReadAt, sizeBytes: number): Promise<IsoVolume> {
  let primary: Omit<IsoVolume, 'jolietRoot' | 'bootCatalogue'> | undefined;
  let jolietRoot: Extent | undefined;
  let bootCatalogue: number | undefined;
  for (let index = 0; index < MOST_DESCRIPTORS; index += 1) {
    const bytes = bufferOf(await read((FIRST_SECTOR + index) * SECTOR_BYTES, SECTOR_BYTES));
    if (textAt(bytes, 1, 5) !== 'CD001') break;
    const type = bytes[0];
    if (type === END) break;
    if (type === PRIMARY) primary ??= primaryOf(bytes);
    if (type === SUPPLEMENTARY && JOLIET_ESCAPES.includes(textAt(bytes, 88, 3))) jolietRoot = extentOf(bytes, 156);
    if (type === BOOT && textAt(bytes, 7, EL_TORITO.length) === EL_TORITO) bootCatalogue = bytes.readUInt32LE(0x47);
  }
  if (primary === undefined) throw new DamagedFileSystem('it has no primary volume descriptor');
  if (primary.sizeBytes > sizeBytes) {
    throw new DamagedFileSystem(`it has ${primary.sizeBytes} bytes, and ${sizeBytes} are there`);
  }
  return {
    ...primary,
    ...(jolietRoot === undefined ? {} : { jolietRoot }),
    ...(bootCatalogue === undefined ? {} : { bootCatalogue }),
  };
}

function primaryOf(bytes: Buffer): Omit<IsoVolume, 'jolietRoot' | 'bootCatalogue'> {
  const blockBytes = bytes.readUInt16LE(128);
  if (![512, 1024, 2048].includes(blockBytes)) throw new UnreadFileSystem(`blocks of ${blockBytes} bytes`);
  return {
    label: textAt(bytes, 40, 32).trimEnd(),
    uuid: dateText(bytes, 830) ?? dateText(bytes, 813) ?? '',
    blockBytes,
    sizeBytes: bytes.readUInt32LE(80) * blockBytes,
    root: extentOf(bytes, 156),
  };
}

function extentOf(bytes: Buffer, at: number): Extent {
  return { block: bytes.readUInt32LE(at + 2), sizeBytes: bytes.readUInt32LE(at + 10) };
}

/** "2026010112000000" as "2026-01-01-12-00-00-00"; undefined for zeros. */
function dateText(bytes: Buffer, at: number): string | undefined {
  const digits = textAt(bytes, at, 16);
  if (!/^\d{16}$/.test(digits) || /^0+$/.test(digits)) return undefined;
  return [digits.slice(0, 4), ...(digits.slice(4).match(/../g) ?? [])].join('-');
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return bufferOf(bytes.subarray(at, at + length)).toString('latin1');
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
