/**
 * ICU's data as Debian ships them: a library whose one symbol is a package of named items (common/ucmndata.cpp). The
 * package is `u16 headerSize, da 27, UDataInfo …` and then a table of contents: `u32 count, count × { u32 name, u32 data }`,
 * offsets from the table's begin, sorted by name.
 */
const MAGIC = Buffer.from([0xda, 0x27, 0x14, 0, 0, 0, 0, 0, 2, 0, 0x43, 0x6d, 0x6e, 0x44]);
const ENTRY_BYTES = 8;

export type CutIcuData = {
  /** As long as before: what was taken out is zeros, which compress to nothing. */
  readonly library: Buffer;
  readonly kept: number;
  readonly removed: number;
  /** Sum of what was taken out. */
  readonly removedBytes: number;
  /** Languages asked for that ICU has nothing of. */
  readonly unknown: readonly string[];
};

type Item = { readonly name: string; readonly nameAt: number; readonly start: number; readonly end: number };

/** Locales whose data stand under another language's name, or inherit from it. */
const RELATED: Readonly<Record<string, readonly string[]>> = { nb: ['no'], nn: ['no'], no: ['nb', 'nn'], yue: ['zh'] };
/** Dictionaries for finding words, and the languages that are written without spaces. */
const DICTIONARIES: Readonly<Record<string, readonly string[]>> = {
  cjdict: ['zh', 'ja', 'yue'],
  thaidict: ['th'],
  khmerdict: ['km'],
  laodict: ['lo'],
  burmesedict: ['my'],
};

/**
 * Takes the data of all languages out but these; what belongs to no language stays: `root`, the pools of shared keys,
 * zones, currencies, converters. Undefined: the library holds no package of ICU.
 */
export function cutIcuData(library: Buffer, locales: readonly string[]): CutIcuData | undefined {
  const magicAt = library.indexOf(MAGIC);
  if (magicAt < 2) return undefined;
  const table = magicAt - 2 + library.readUInt16LE(magicAt - 2);
  const items = itemsOf(library, table);
  const asked = locales.map((locale) => locale.split(/[-_]/)[0] ?? locale);
  const languages = new Set(asked.flatMap((language) => [language, ...(RELATED[language] ?? [])]));
  const isKept = ({ name }: Item): boolean => belongs(name, languages);
  const kept = items.filter(isKept);
  const gone = items.filter((item) => !isKept(item));
  const cut = Buffer.from(library);
  for (const { start, end } of gone) cut.fill(0, table + start, table + end);
  cut.writeUInt32LE(kept.length, table);
  for (const [index, { nameAt, start }] of kept.entries()) {
    cut.writeUInt32LE(nameAt, table + 4 + index * ENTRY_BYTES);
    cut.writeUInt32LE(start, table + 8 + index * ENTRY_BYTES);
  }
  const has = new Set(items.map(({ name }) => languageOf(name)));
  return {
    library: cut,
    kept: kept.length,
    removed: gone.length,
    removedBytes: gone.reduce((sum, { start, end }) => sum + end - start, 0),
    unknown: asked.filter((language) => !has.has(language)),
  };
}

/** The last item's end is not written down: it is left alone. */
function itemsOf(library: Buffer, table: number): readonly Item[] {
  const count = library.readUInt32LE(table);
  const entries = Array.from({ length: count }, (_, index) => ({
    nameAt: library.readUInt32LE(table + 4 + index * ENTRY_BYTES),
    start: library.readUInt32LE(table + 8 + index * ENTRY_BYTES),
  }));
  return entries.map(({ nameAt, start }, index) => {
    const at = table + nameAt;
    const name = library.toString('latin1', at, library.indexOf(0, at));
    return { name, nameAt, start, end: entries[index + 1]?.start ?? start };
  });
}

/** `icudt76l/curr/de_AT.res` → de; undefined: it belongs to no language, as the index of a folder. */
function languageOf(name: string): string | undefined {
  if (name.endsWith('/res_index.res')) return undefined;
  return /\/([a-z]{2,3})(?:_[^/]*)?\.res$/.exec(name)?.[1];
}

function belongs(name: string, languages: ReadonlySet<string>): boolean {
  const language = languageOf(name);
  if (language !== undefined) return languages.has(language);
  const dictionary = /\/(\w+)\.dict$/.exec(name)?.[1] ?? '';
  const readers = DICTIONARIES[dictionary];
  return readers === undefined || readers.some((one) => languages.has(one));
}
