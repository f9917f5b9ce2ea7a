import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Problem } from '../../errors.js';
import { cutIcuData } from '../../formats/icu-data.js';
import type { Workload } from '../../model/workload.js';
import type { TreeFile } from './full-tree.js';

/** The library that holds nothing but ICU's data. */
const ICU_DATA = /^libicudata\.so\.[\d.]+$/;

/**
 * The files with ICU's data marked to be cut to the workload's languages. Codes: `workload-locales-unused`,
 * `workload-locale-unknown`.
 */
export async function withLocales(
  files: readonly TreeFile[],
  { locales, at }: Workload,
): Promise<{ readonly files: readonly TreeFile[]; readonly problems: readonly Problem[] }> {
  if (locales === undefined) return { files, problems: [] };
  const isData = ({ path, type }: TreeFile): boolean => type === 'file' && ICU_DATA.test(basename(path));
  const data = files.find(isData);
  if (data === undefined) {
    const message = 'locales are given, and no file of the workload holds data of ICU';
    const hint = 'Leave "locales" out: they shorten ICU\u2019s data (libicudata), which Node.js has.';
    return { files, problems: [{ code: 'workload-locales-unused', message, hint, ...at.locales }] };
  }
  const cut = cutIcuData(await readFile(data.source ?? ''), locales);
  if (cut === undefined) throw new TypeError(`${data.path} holds no package of ICU`);
  const problems = cut.unknown.map((locale): Problem => {
    const hint = 'Write a language as ICU names it: en, de, pt, zh.';
    return { code: 'workload-locale-unknown', message: `ICU has no data for "${locale}"`, hint, ...at.locales };
  });
  return { files: files.map((file) => (isData(file) ? { ...file, locales } : file)), problems };
}

/** The bytes of a file as the root has them, where they are not those of its source. */
export async function cutBytes({ path, source = '', locales }: TreeFile): Promise<Buffer | undefined> {
  if (locales === undefined) return undefined;
  const cut = cutIcuData(await readFile(source), locales);
  if (cut === undefined) throw new TypeError(`${path} holds no package of ICU`);
  return cut.library;
}
