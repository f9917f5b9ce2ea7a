import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../errors.js';

/**
 * The first line of a file, without its end: a secret never stands in the arguments of a program, where every process
 * can read it. "-" is stdin. Throws UserError `secret-file-unreadable`, `secret-empty`.
 */
export async function readSecretFile(path: string, workingFolder: string): Promise<string> {
  const name = path === '-' ? 'stdin' : path;
  let text: string;
  try {
    text = await readFile(path === '-' ? '/dev/stdin' : resolve(workingFolder, path), 'utf8');
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new UserError('secret-file-unreadable', `${name} cannot be read (${code})`, { cause });
  }
  const line = text.replace(/^\uFEFF/, '').split(/\r?\n/)[0] ?? '';
  if (line === '') throw new UserError('secret-empty', `The first line of ${name} is empty`);
  return line;
}
