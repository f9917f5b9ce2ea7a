import { describe, expect, it } from 'vitest';
import { ENTRY_BYTES, parseFolder } from '../../../../src/formats/fat/directory.js';
import { fatTime, newEntry } from '../../../../src/formats/fat/new-entry.js';

const TIME = fatTime(1_700_000_000);
const FILE = { isFolder: false, cluster: 0x12345, sizeBytes: 77 };

function folderOf(...names: readonly string[]): Buffer {
  let bytes = Buffer.alloc(0);
  for (const name of names) bytes = Buffer.concat([bytes, newEntry(name, parseFolder(bytes).entries, FILE, TIME)]);
  return bytes;
}

function shortEntry(name: readonly number[] | string, attributes = 0x20, cases = 0): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.set(typeof name === 'string' ? Buffer.from(name, 'latin1') : name);
  entry[11] = attributes;
  entry[12] = cases;
  return entry;
}

const namesOf = (bytes: Uint8Array): readonly string[] => parseFolder(bytes).entries.map(({ name }) => name);

describe('a folder of a FAT', () => {
  it.each([
    ['CONFIG.TXT'],
    ['config.txt'],
    ['A long name of a file.dtbo'],
    ['thirteen char'],
    ['Überlänge Straße 文字 emoji 😀.txt'],
    ['.hidden'],
    [`${'x'.repeat(251)}.txt`],
  ])('gives the name that was written: %s', (name) => {
    expect(parseFolder(folderOf(name)).entries).toMatchObject([
      { name, isFolder: false, cluster: 0x12345, sizeBytes: 77, modifiedSeconds: 1_700_000_000 },
    ]);
  });

  it('gives names that differ in their end short names that differ', () => {
    const names = Array.from({ length: 12 }, (_, index) => `a rather long name ${index}`);
    const { entries } = parseFolder(folderOf(...names));
    expect(entries.map(({ name }) => name)).toEqual(names);
    expect(new Set(entries.map(({ shortName }) => shortName)).size).toBe(12);
  });

  it.each([
    ['lower case of Windows NT', shortEntry('NAME    TXT', 0x20, 0x18), 'name.txt'],
    ['code page 437', shortEntry([0x9a, ...Buffer.from('BER    TXT')]), 'ÜBER.TXT'],
    ['a first byte of E5', shortEntry([0x05, ...Buffer.from('BC        ')]), 'σBC'],
  ])('reads a short name: %s', (_, entry, name) => {
    expect(namesOf(entry)).toEqual([name]);
  });

  it('leaves out what is no file, and finds the label', () => {
    const bytes = Buffer.concat([
      shortEntry('MY LABEL   ', 0x08),
      shortEntry('.          ', 0x10),
      shortEntry('..         ', 0x10),
      shortEntry([0xe5, ...Buffer.from('ONE    TXT')]),
      shortEntry('LEFT    TXT'),
      Buffer.alloc(ENTRY_BYTES),
      shortEntry('BEHIND  TXT'),
    ]);
    expect(namesOf(bytes)).toEqual(['LEFT.TXT']);
    expect(parseFolder(bytes).label).toBe('MY LABEL');
  });

  it.each([
    ['its checksum is of another name', (bytes: Buffer) => bytes.writeUInt8((bytes[13] ?? 0) ^ 1, 13)],
    ['a part of it is missing', (bytes: Buffer) => bytes.copyWithin(0, ENTRY_BYTES)],
    ['its parts are not in their order', (bytes: Buffer) => bytes.writeUInt8(0x43, 0)],
  ])('takes the short name where %s', (_, damage) => {
    const bytes = folderOf('A long name of a file');
    damage(bytes);
    expect(namesOf(bytes).at(-1)).toBe('ALONGN~1');
    expect(parseFolder(bytes).entries.at(-1)?.firstSlot).toBe(parseFolder(bytes).entries.at(-1)?.slot);
  });

  it('keeps half of a UTF-16 pair as bytes', () => {
    expect(namesOf(folderOf('bad\ud800name'))).toEqual(['bad\udced\udca0\udc80name']);
  });
});
