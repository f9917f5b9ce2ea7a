import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { access, constants, open, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { formatSize } from '../domain/bytes.js';
import { ReswarmError, type Problem } from '../errors.js';

/** What can be known of the output path before anything is built. */
export async function checkImagePath(path: string): Promise<readonly Problem[]> {
  const folder = dirname(path);
  const status = await stat(path).catch(() => undefined);
  if (status?.isDirectory() === true) {
    const hint = `Name the file too: --output ${join(path, 'reswarm-os.img')}`;
    return [{ code: 'output-is-a-directory', message: `${path} is a directory, not a file to write`, hint }];
  }
  if (status !== undefined && !status.isFile()) {
    const hint = 'Write an image file first; a card is written from it.';
    return [{ code: 'output-not-a-file', message: `${path} is there and is not an ordinary file`, hint }];
  }
  const folderStatus = await stat(folder).catch(() => undefined);
  if (folderStatus?.isDirectory() !== true) {
    const hint = `Make it first: mkdir -p ${folder}`;
    return [{ code: 'output-folder-missing', message: `The folder ${folder} for the image is not there`, hint }];
  }
  if (!(await isWritable(folder))) {
    const hint = 'Choose another place with --output.';
    return [{ code: 'output-not-writable', message: `Nothing can be written into ${folder}`, hint }];
  }
  return [];
}

/** Really tries: root passes every permission check, also on a read-only file system. */
async function isWritable(folder: string): Promise<boolean> {
  const probe = join(folder, `.reswarm-os-${randomUUID()}`);
  try {
    await access(folder, constants.W_OK);
    await writeFile(probe, '', { flag: 'wx' });
    await rm(probe);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives `write` an empty file beside `path` and puts it in its place when that succeeds: whoever looks at `path`
 * sees the old image or the whole new one. `mode`: 0600 for an image that carries a device's secrets.
 */
export async function replaceImage<T>(
  path: string,
  options: { readonly sizeBytes: number; readonly mode: number },
  write: (target: FileHandle, temporaryPath: string) => Promise<T>,
): Promise<T> {
  await requireSpace(dirname(path), options.sizeBytes);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    const target = await open(temporary, 'wx+', options.mode);
    let result: T;
    try {
      result = await write(target, temporary);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(temporary, path);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw isDiskFull(error) ? diskFull(dirname(path), options.sizeBytes) : error;
  }
}

async function requireSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < neededBytes) throw diskFull(folder, neededBytes, bavail * bsize);
}

function diskFull(folder: string, neededBytes: number, freeBytes?: number): ReswarmError {
  const free = freeBytes === undefined ? 'is full' : `has ${formatSize(freeBytes)} free`;
  return new ReswarmError('disk-full', `${folder} ${free}; the image needs ${formatSize(neededBytes)}`, {
    hints: ['Make room there, or choose another place with --output.'],
  });
}

function isDiskFull(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOSPC';
}

/** The image's description lies beside it. */
export function descriptionPath(image: string): string {
  return image.replace(/\.img$/, '') + '.json';
}

/** What `image.json` says of the file itself; `fileTime` tells whether somebody wrote to the image since. */
export type ImageRecord = {
  readonly key: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly fileTime: string;
};

/** The record of an image that is still the file we wrote for this key; undefined for any other. */
export async function findCurrentImage(path: string, key: string): Promise<ImageRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(descriptionPath(path), 'utf8')) as ImageRecord;
    const status = await stat(path);
    const isOurs =
      record.key === key && record.sizeBytes === status.size && record.fileTime === status.mtime.toISOString();
    return isOurs ? record : undefined;
  } catch {
    return undefined;
  }
}
