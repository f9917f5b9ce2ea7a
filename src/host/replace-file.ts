import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, readlink, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../errors.js';

/** A name beside the file that nothing else has; hidden, so that nobody takes it for the file. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
}

/**
 * Where a file lies that is to be written at `path`: behind the links that a person put there, which stay. Links that
 * lead nowhere yet count, too. Throws UserError `link-circle`.
 */
export async function linkTarget(path: string): Promise<string> {
  let place = path;
  for (let steps = 0; steps < MOST_LINKS; steps += 1) {
    const target = await readlink(place).catch(() => undefined);
    if (target === undefined) return place;
    place = resolve(dirname(place), target);
  }
  throw new UserError('link-circle', `${path} is a symbolic link that leads back to itself`, {
    hints: ['Remove the link, or name another path.'],
  });
}

/** As the kernel counts them (ELOOP). */
const MOST_LINKS = 40;

/**
 * Writes a file whole or not at all: `write` gets an empty one beside it, which takes its place when all of it is on
 * the disk. However it ends, nothing is left beside it.
 */
export async function replaceFile<Result>(
  path: string,
  mode: number,
  write: (target: FileHandle, temporaryPath: string) => Promise<Result>,
): Promise<Result> {
  const place = await linkTarget(path);
  const temporary = temporaryBeside(place);
  try {
    const result = await writeSynced(temporary, mode, write);
    await rename(temporary, place);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a new file; what `write` wrote is on the disk when this returns. */
export async function writeSynced<Result>(
  path: string,
  mode: number,
  write: (target: FileHandle, path: string) => Promise<Result>,
): Promise<Result> {
  const target = await open(path, 'wx+', mode);
  try {
    const result = await write(target, path);
    await target.sync();
    return result;
  } finally {
    await target.close();
  }
}

/** Writes a text file whole or not at all. Throws UserError `file-not-writable`. */
export async function replaceTextFile(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, 0o666, (target) => target.writeFile(text));
  } catch (cause) {
    throw new UserError('file-not-writable', `${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
