import { describe, expect, it } from 'vitest';
import { cutIcuData } from '../../../src/formats/icu-data.js';

const LIBRARY_HEAD = 4096;
const HEADER_BYTES = 144;

/** A library with a package of ICU: each item holds its own name again and again. */
function icuLibrary(names: readonly string[]): Buffer {
  const sorted = names.map((name) => `icudt76l/${name}`).sort();
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16LE(HEADER_BYTES, 0);
  Buffer.from([0xda, 0x27, 20, 0, 0, 0, 0, 0, 2, 0]).copy(header, 2);
  header.write('CmnD', 12, 'latin1');
  const texts = Buffer.from(sorted.map((name) => `${name}\0`).join(''));
  const table = Buffer.alloc(4 + sorted.length * 8);
  table.writeUInt32LE(sorted.length, 0);
  const bodies = sorted.map((name) => Buffer.alloc(64, name));
  for (const [index, name] of sorted.entries()) {
    table.writeUInt32LE(table.length + texts.indexOf(`${name}\0`), 4 + index * 8);
    table.writeUInt32LE(table.length + texts.length + index * 64, 8 + index * 8);
  }
  return Buffer.concat([Buffer.alloc(LIBRARY_HEAD, 'x'), header, table, texts, ...bodies, Buffer.from('after')]);
}

/** What ICU would find: the items of the table, each with the first byte of its data. */
function itemsOf(library: Buffer): Record<string, number> {
  const table = LIBRARY_HEAD + HEADER_BYTES;
  const count = library.readUInt32LE(table);
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const nameAt = table + library.readUInt32LE(table + 4 + index * 8);
      const name = library.toString('latin1', nameAt, library.indexOf(0, nameAt)).replace('icudt76l/', '');
      return [name, library[table + library.readUInt32LE(table + 8 + index * 8)] ?? 0];
    }),
  );
}

const COMMON = [
  'root.res',
  'pool.res',
  'res_index.res',
  'curr/pool.res',
  'supplementalData.res',
  'zoneinfo64.res',
  'a.cnv',
];
const LANGUAGES = [
  'de.res',
  'de_AT.res',
  'curr/de.res',
  'en.res',
  'coll/fr.res',
  'fr.res',
  'no.res',
  'yue.res',
  'zh.res',
];
const WORDS = ['brkitr/cjdict.dict', 'brkitr/thaidict.dict', 'brkitr/word.brk'];
const LIBRARY = icuLibrary([...COMMON, ...LANGUAGES, ...WORDS, 'zz-last.icu']);

describe('ICU data cut to languages', () => {
  it('keep what belongs to the languages and to none, and stay findable by name', () => {
    const cut = cutIcuData(LIBRARY, ['de-AT', 'en']);
    const items = itemsOf(cut?.library ?? Buffer.alloc(0));
    const kept = [...COMMON, 'de.res', 'de_AT.res', 'curr/de.res', 'en.res', 'brkitr/word.brk', 'zz-last.icu'];
    expect(Object.keys(items)).toEqual(
      kept
        .map((name) => `icudt76l/${name}`)
        .sort()
        .map((name) => name.slice(9)),
    );
    expect(new Set(Object.values(items))).toEqual(new Set(['i'.charCodeAt(0)]));
  });

  it('are as long as before, and zeros where something was taken out', () => {
    const cut = cutIcuData(LIBRARY, ['de']);
    expect(cut?.library).toHaveLength(LIBRARY.length);
    expect(cut?.library.includes('coll/fr.resicudt76l/coll/fr.res')).toBe(false);
    expect(cut?.removedBytes).toBe((cut?.removed ?? 0) * 64);
    expect(cut?.library.subarray(0, LIBRARY_HEAD).equals(LIBRARY.subarray(0, LIBRARY_HEAD))).toBe(true);
    expect(LIBRARY.includes('coll/fr.resicudt76l/coll/fr.res')).toBe(true);
  });

  it.each([
    ['nb', 'no.res'],
    ['zh', 'brkitr/cjdict.dict'],
    ['th', 'brkitr/thaidict.dict'],
    ['yue', 'zh.res'],
  ])('for %s have %s too', (locale, name) => {
    expect(Object.keys(itemsOf(cutIcuData(LIBRARY, [locale])?.library ?? Buffer.alloc(0)))).toContain(name);
  });

  it('name languages that ICU does not have', () => {
    expect(cutIcuData(LIBRARY, ['de', 'tlh'])?.unknown).toEqual(['tlh']);
    expect(cutIcuData(Buffer.from('no package of ICU'), ['de'])).toBeUndefined();
  });
});
