import { nameOfBytes } from '../file-system/file-name.js';
import { labelText } from './boot-sector.js';

/** Folders of a FAT, with long names (Microsoft's FAT specification, 6 and 7). */

export const ENTRY_BYTES = 32;
export const DELETED = 0xe5;
export const LONG_NAME = 0x0f;
export const FOLDER = 0x10;
export const LAST_LONG = 0x40;
const VOLUME = 0x08;
/** A first byte of E5 would mean that the entry is deleted. */
const E5_ESCAPE = 0x05;
/** Where the characters of a long name are in its entry. */
export const LONG_PLACES: readonly number[] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/** Characters 0x80 to 0xff of short names: code page 437, which Linux and mtools take as well. */
const CODE_PAGE =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ';

export type FatEntry = {
  /** The long name, or the short one where there is no other. */
  readonly name: string;
  /** Eleven bytes, padded with spaces, no dot; as Latin-1. */
  readonly shortName: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly sizeBytes: number;
  /** FAT has no time zone: taken for UTC. */
  readonly modifiedSeconds: number;
  /** Number of the first of its slots in the directory, and of the last, which holds all but the long name. */
  readonly firstSlot: number;
  readonly slot: number;
};

export type FatFolder = {
  readonly entries: readonly FatEntry[];
  /** The volume's, which is in the root folder. */
  readonly label?: string;
};

type LongName = { readonly text: string; readonly checksum: number; readonly firstSlot: number; readonly next: number };

/**
 * All files and folders of a folder's bytes; ".", ".." and deleted entries are left out, and so is a long name that does
 * not belong to the entry behind it.
 */
export function parseFolder(bytes: Uint8Array): FatFolder {
  const entries: FatEntry[] = [];
  let label: string | undefined;
  let long: LongName | undefined;
  for (let slot = 0; (slot + 1) * ENTRY_BYTES <= bytes.length; slot += 1) {
    const raw = bytes.subarray(slot * ENTRY_BYTES, (slot + 1) * ENTRY_BYTES);
    const first = raw[0] ?? 0;
    if (first === 0) break;
    const attributes = raw[11] ?? 0;
    if (first !== DELETED && (attributes & 0x3f) === LONG_NAME) {
      long = withLongPart(long, raw, slot);
      continue;
    }
    if (first !== DELETED && (attributes & VOLUME) !== 0) label ??= labelText(raw.subarray(0, 11));
    else if (first !== DELETED) {
      const isWhole = long?.next === 0 && long.checksum === shortNameChecksum(raw.subarray(0, 11));
      const entry = entryOf(raw, slot, isWhole ? long : undefined);
      if (entry.name !== '.' && entry.name !== '..') entries.push(entry);
    }
    long = undefined;
  }
  return { entries, ...(label === undefined ? {} : { label }) };
}

/** The last part of a long name comes first; each names the number of its part, and all the same short name. */
function withLongPart(before: LongName | undefined, raw: Uint8Array, slot: number): LongName | undefined {
  const order = raw[0] ?? 0;
  const number = order & ~LAST_LONG;
  const checksum = raw[13] ?? 0;
  const text = longPart(raw);
  if ((order & LAST_LONG) !== 0) return { text, checksum, firstSlot: slot, next: number - 1 };
  if (before?.next !== number || before.checksum !== checksum) return undefined;
  return { ...before, text: text + before.text, next: number - 1 };
}

function longPart(raw: Uint8Array): string {
  const units = LONG_PLACES.map((place) => (raw[place] ?? 0) + (raw[place + 1] ?? 0) * 2 ** 8);
  const end = units.indexOf(0);
  return String.fromCharCode(...(end < 0 ? units : units.slice(0, end)));
}

function entryOf(raw: Uint8Array, slot: number, long: LongName | undefined): FatEntry {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return {
    name: long === undefined ? plainShortName(raw) : wholeText(long.text),
    shortName: Buffer.from(raw.subarray(0, 11)).toString('latin1'),
    isFolder: (view.getUint8(11) & FOLDER) !== 0,
    cluster: view.getUint16(20, true) * 2 ** 16 + view.getUint16(26, true),
    sizeBytes: view.getUint32(28, true),
    modifiedSeconds: secondsOf(view.getUint16(24, true), view.getUint16(22, true)),
    firstSlot: long?.firstSlot ?? slot,
    slot,
  };
}

/** Half a UTF-16 pair is no character: it becomes the bytes that it would have (as file-name.ts has odd bytes). */
function wholeText(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, (half) => {
    const code = half.charCodeAt(0);
    return nameOfBytes(Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)));
  });
}

/** Bits 3 and 4 of byte 12: Windows NT and Linux show name or suffix in lower case. */
function plainShortName(raw: Uint8Array): string {
  const cases = raw[12] ?? 0;
  const bytes = [...raw.subarray(0, 11)].map((byte, index) => (index === 0 && byte === E5_ESCAPE ? DELETED : byte));
  const part = (from: number, to: number, isLower: boolean): string => {
    const text = bytes
      .slice(from, to)
      .map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : (CODE_PAGE[byte - 0x80] ?? '')))
      .join('')
      .replace(/ +$/, '');
    return isLower ? text.toLowerCase() : text;
  };
  const name = part(0, 8, (cases & 0x08) !== 0);
  const suffix = part(8, 11, (cases & 0x10) !== 0);
  return suffix === '' ? name : `${name}.${suffix}`;
}

function secondsOf(date: number, time: number): number {
  if (date === 0) return 0;
  const [year, month, day] = [1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31];
  return Date.UTC(year, month, day, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
}

export function shortNameChecksum(shortName: Uint8Array): number {
  return shortName.reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}

export function findEntry(entries: readonly FatEntry[], name: string): FatEntry | undefined {
  const wanted = name.toLowerCase();
  return entries.find((entry) => entry.name.toLowerCase() === wanted);
}
