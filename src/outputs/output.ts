import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import type { ReadAt } from '../model/read-at.js';
import type { Made } from '../pipeline/stage.js';

/** A file that was made from the image and is beside it. */
export type MadeOutput = { readonly sizeBytes: number; readonly sha256: string };

/** The image as the stages see it that make something from it. */
export interface ImageInPlace {
  /** Its bytes, wherever they are now. */
  read<T>(use: (read: ReadAt, sizeBytes: number) => Promise<T>): Promise<T>;
  /** Writes a file beside the image; `suffix` follows the image's whole name. */
  writeBeside<T>(suffix: string, write: (target: FileHandle) => Promise<T>): Promise<T>;
}

const RECORD = 'output.json';

export async function recordOutput(out: string, made: MadeOutput): Promise<void> {
  await writeFile(join(out, RECORD), JSON.stringify(made));
}

export async function openOutput({ path }: Made): Promise<MadeOutput> {
  return JSON.parse(await readFile(join(path, RECORD), 'utf8')) as MadeOutput;
}
