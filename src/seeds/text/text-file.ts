import { readFile, stat } from 'node:fs/promises';
import { KiB, MiB } from '../../model/bytes.js';
import type { Problem } from '../../errors.js';
import { positionFinder } from '../../config/yaml-source.js';
import { NOTHING_FOUND, type Findings } from './findings.js';
import type { SeedFile } from './seed.js';

/**
 * More than that is not configuration. cloud-init keeps user-data several times over (raw, processed, pickled with the
 * datasource) and reads the pickle at every boot, on a board with 1 GiB or less of memory.
 */
export const USER_DATA_LIMIT_BYTES = MiB;
/** What a device is called and which networks it knows: far below this. */
export const OTHER_LIMIT_BYTES = 64 * KiB;

export type ReadResult = { readonly file: SeedFile } | { readonly problem: Problem };

/** Reads a text file of a seed. Codes: `file-missing`, `file-unreadable`, `file-is-folder`, `seed-too-large`, `seed-not-text`. */
export async function readSeedFile(path: string, limitBytes: number): Promise<ReadResult> {
  const refuse = (code: string, message: string, hint?: string): ReadResult => ({
    problem: { code, message, file: path, ...(hint === undefined ? {} : { hint }) },
  });
  try {
    const info = await stat(path);
    if (info.isDirectory()) return refuse('file-is-folder', 'this is a folder; a file is expected');
    if (info.size > limitBytes) {
      const hint = 'Put large content into the image (packages, overlay) or fetch it from user-data.';
      return refuse('seed-too-large', `${info.size} bytes are too many: the limit is ${limitBytes} bytes`, hint);
    }
    const bytes = await readFile(path);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      return refuse(
        'seed-not-text',
        'this is a gzip file; it can be checked as plain text only',
        'Unpack it with gunzip.',
      );
    }
    if (bytes.includes(0)) return refuse('seed-not-text', 'this is not a text file: it holds null bytes');
    // ignoreBOM: the mark stays in the text, where it is found and reported.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { file: { file: path, text } };
  } catch (error) {
    if (error instanceof TypeError)
      return refuse('seed-not-text', 'this is not UTF-8 text', 'Save it as UTF-8 without a BOM.');
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return refuse('file-missing', 'there is no such file');
    if (code === undefined) throw error;
    return refuse('file-unreadable', `this file cannot be read (${code})`, 'Look at its permissions.');
  }
}

/** What goes wrong with text before anybody looks at its meaning. Codes: `seed-bom`, `seed-too-large`; warning `seed-crlf`. */
export function checkText({ text, file }: SeedFile, limitBytes: number): Findings {
  if (text.startsWith('\uFEFF')) {
    const problem: Problem = {
      code: 'seed-bom',
      message: 'the file begins with a byte order mark (BOM); cloud-init then does not recognise its first line',
      hint: 'Save it as UTF-8 without a BOM.',
      file,
      line: 1,
      column: 1,
    };
    return { problems: [problem], warnings: [] };
  }
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > limitBytes) {
    const message = `${sizeBytes} bytes are too many: the limit is ${limitBytes} bytes`;
    return { problems: [{ code: 'seed-too-large', message, file }], warnings: [] };
  }
  const carriageReturn = text.indexOf('\r\n');
  if (carriageReturn < 0) return NOTHING_FOUND;
  const warning: Problem = {
    code: 'seed-crlf',
    message: 'lines end as on Windows (CR LF); they are written with LF',
    file,
    ...positionFinder(text)(carriageReturn),
  };
  return { problems: [], warnings: [warning] };
}
