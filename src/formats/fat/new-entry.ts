import type { FatEntry } from './directory.js';
import { DELETED, ENTRY_BYTES, FOLDER, LAST_LONG, LONG_NAME, LONG_PLACES, shortNameChecksum } from './directory.js';

/** The bytes of new and changed entries of a FAT's folders. */

const ARCHIVE = 0x20;
const CHARACTERS_PER_ENTRY = LONG_PLACES.length;

/** Number of the first of `count` free slots in a row; where they reach beyond the end, the directory must grow. */
export function freeSlots(bytes: Uint8Array, count: number): number {
  const slots = bytes.length / ENTRY_BYTES;
  let run = 0;
  for (let slot = 0; slot < slots; slot += 1) {
    const first = bytes[slot * ENTRY_BYTES];
    // After an end mark nothing is in use.
    if (first === 0) return slot - run;
    run = first === DELETED ? run + 1 : 0;
    if (run === count) return slot - count + 1;
  }
  return slots - run;
}

/** Slots of a new entry: its long name, unless the short one says all, and the entry itself. */
export function newEntry(
  name: string,
  taken: readonly FatEntry[],
  content: { readonly isFolder: boolean; readonly cluster: number; readonly sizeBytes: number },
  time: FatTime,
): Uint8Array {
  const { shortName, needsLong } = shortNameOf(name, taken);
  const raw = Buffer.from(shortName, 'latin1');
  const longs = needsLong ? longEntries(name, shortNameChecksum(raw)) : [];
  const entry = Buffer.alloc(ENTRY_BYTES);
  raw.copy(entry);
  entry.writeUInt8(content.isFolder ? FOLDER : ARCHIVE, 11);
  entry.writeUInt16LE(time.time, 14);
  entry.writeUInt16LE(time.date, 16);
  setContent(entry, content, time);
  return Buffer.concat([...longs, entry]);
}

/** Gives an entry (its last slot) other content; its name and attributes stay. */
export function setContent(
  entry: Uint8Array,
  content: { readonly cluster: number; readonly sizeBytes: number },
  time: FatTime,
): void {
  const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES);
  view.setUint16(18, time.date, true);
  view.setUint16(20, content.cluster >>> 16, true);
  view.setUint16(22, time.time, true);
  view.setUint16(24, time.date, true);
  view.setUint16(26, content.cluster & 0xffff, true);
  view.setUint32(28, content.sizeBytes, true);
}

/** `.` and `..` of a new folder; a parent that is the root has the number 0 there. */
export function dotEntries(cluster: number, parent: number, time: FatTime): Uint8Array {
  const dot = (name: string, target: number): Buffer => {
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.write(name.padEnd(11), 'latin1');
    entry.writeUInt8(FOLDER, 11);
    entry.writeUInt16LE(time.time, 14);
    entry.writeUInt16LE(time.date, 16);
    setContent(entry, { cluster: target, sizeBytes: 0 }, time);
    return entry;
  };
  return Buffer.concat([dot('.', cluster), dot('..', parent)]);
}

export function deletedMark(): Uint8Array {
  return Uint8Array.of(DELETED);
}

const SHORT = /^[A-Z0-9!#$%&'()@^_`{}~-]{1,8}(\.[A-Z0-9!#$%&'()@^_`{}~-]{1,3})?$/;

/** Eleven characters that no other entry of the directory has; `needsLong` where they are not the name itself. */
function shortNameOf(name: string, taken: readonly FatEntry[]): { shortName: string; needsLong: boolean } {
  const used = new Set(taken.map((entry) => entry.shortName));
  const pack = (base: string, suffix: string): string => base.padEnd(8) + suffix.padEnd(3);
  const dot = name.lastIndexOf('.');
  const [base, suffix] = dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ''];
  if (SHORT.test(name) && !used.has(pack(base, suffix))) return { shortName: pack(base, suffix), needsLong: false };
  const clean = (text: string): string =>
    text
      .toUpperCase()
      .replaceAll(/[ .]/g, '')
      .replaceAll(/[^A-Z0-9!#$%&'()@^_`{}~-]/g, '_');
  for (let number = 1; ; number += 1) {
    const tail = `~${number}`;
    const candidate = pack(clean(base).slice(0, 8 - tail.length) + tail, clean(suffix).slice(0, 3));
    if (!used.has(candidate)) return { shortName: candidate, needsLong: true };
  }
}

/** The last part of the name comes first. */
function longEntries(name: string, checksum: number): Buffer[] {
  const count = Math.ceil(name.length / CHARACTERS_PER_ENTRY);
  return Array.from({ length: count }, (_, index) => {
    const number = count - index;
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.writeUInt8(number | (index === 0 ? LAST_LONG : 0), 0);
    entry.writeUInt8(LONG_NAME, 11);
    entry.writeUInt8(checksum, 13);
    for (const [place, byte] of LONG_PLACES.entries()) {
      const at = (number - 1) * CHARACTERS_PER_ENTRY + place;
      entry.writeUInt16LE(at < name.length ? name.charCodeAt(at) : at === name.length ? 0 : 0xffff, byte);
    }
    return entry;
  });
}

/** Two words each; FAT counts from 1980 in steps of two seconds and knows no time zone. */
export type FatTime = { readonly date: number; readonly time: number };

/** @param epochSeconds seconds since 1970, shown as UTC */
export function fatTime(epochSeconds: number): FatTime {
  const at = new Date(Math.max(epochSeconds, Date.UTC(1980, 0, 1) / 1000) * 1000);
  const year = Math.min(at.getUTCFullYear() - 1980, 127);
  return {
    date: (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  };
}
