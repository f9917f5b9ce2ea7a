import { appendFile, writeFile } from 'node:fs/promises';
import { UserError } from '../errors.js';

/** Begins the file that a console goes to, before anything is started for it. Throws UserError `log-not-writable`. */
export async function emptyLog(path: string): Promise<void> {
  try {
    await writeFile(path, '');
  } catch (error) {
    throw new UserError('log-not-writable', `The log ${path} cannot be written`, { cause: error });
  }
}

/** The console of one of several starts. */
export async function appendLog(path: string, lines: readonly string[]): Promise<void> {
  await appendFile(path, `${lines.join('\n')}\n`);
}
