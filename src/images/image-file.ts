import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { access, constants, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ImageDescription, ImageOutput } from './image-description.js';
import { parseImageDescription } from './image-description.js';
import { linkTarget } from '../host/replace-file.js';
import { diskFull } from '../host/disk-full.js';
import type { Problem } from '../errors.js';
import type { StagedFiles } from './staged-files.js';
import { MAKE_ROOM, withStagedFiles } from './staged-files.js';

/** What can be known of the output path before anything is built. */
export async function checkImagePath(path: string): Promise<readonly Problem[]> {
  const folder = dirname(await linkTarget(path));
  const status = await stat(path).catch(() => undefined);
  if (status?.isDirectory() === true) {
    const hint = `Name the file too: --output ${join(path, 'reswarm-os.img')}`;
    return [{ code: 'output-is-a-directory', message: `${path} is a directory, not a file to write`, hint }];
  }
  if (status !== undefined && !status.isFile()) {
    const hint = 'Write an image file first; a card is written from it.';
    return [{ code: 'output-not-a-file', message: `${path} is there and is not an ordinary file`, hint }];
  }
  for (const beside of pathsBeside(path)) {
    if ((await stat(beside).catch(() => undefined))?.isDirectory() !== true) continue;
    const hint = 'Move it away, or choose another place with --output.';
    return [
      { code: 'output-is-a-directory', message: `${beside} is a directory; a file is to be written there`, hint },
    ];
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
 * Gives `write` an empty file that takes the image's place at the commit: whoever looks at `path` sees the old image or
 * the whole new one. `mode`: 0600 for an image that carries a device's secrets.
 */
export async function stageImage<T>(
  staged: StagedFiles,
  path: string,
  options: { readonly sizeBytes: number; readonly mode: number },
  write: (target: FileHandle, temporaryPath: string) => Promise<T>,
): Promise<T> {
  await requireSpace(dirname(await linkTarget(path)), options.sizeBytes);
  return staged.write(path, options.mode, write);
}

/** `stageImage` for an image with nothing beside it. */
export async function replaceImage<T>(
  path: string,
  options: { readonly sizeBytes: number; readonly mode: number },
  write: (target: FileHandle, temporaryPath: string) => Promise<T>,
): Promise<T> {
  return withStagedFiles(async (staged) => {
    const result = await stageImage(staged, path, options, write);
    await staged.commit();
    return result;
  });
}

async function requireSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes) throw diskFull({ folder, what: 'the image', neededBytes, freeBytes, hint: MAKE_ROOM });
}

/** The image's description lies beside it. */
export function descriptionPath(image: string): string {
  return image.replace(/\.img$/, '') + '.json';
}

/** The sums of everything in the folder, as sha256sum reads them. */
export function checksumsPath(image: string): string {
  return join(dirname(image), 'SHA256SUMS');
}

/** A list that Raspberry Pi Imager opens. */
export function imagerListPath(image: string): string {
  return image.replace(/\.img$/, '') + '.rpi-imager-manifest';
}

export function supportedBoardsPath(image: string): string {
  return image.replace(/\.img$/, '') + '.supportedBoards.json';
}

export function blockMapPath(image: string): string {
  return `${image}.bmap`;
}

function pathsBeside(image: string): readonly string[] {
  const packed = ['gz', 'xz', 'zst'].map((suffix) => `${image}.${suffix}`);
  const paths = [descriptionPath, checksumsPath, imagerListPath, supportedBoardsPath, blockMapPath];
  return [...packed, ...paths.map((pathOf) => pathOf(image))];
}

/** What the description says, as far as the image is still the file that was written for this key; undefined for any other. */
export async function findCurrentImage(path: string, key: string): Promise<ImageDescription | undefined> {
  const description = await readDescription(path);
  if (description?.key !== key) return undefined;
  return (await findCurrentFile(path, description)) === undefined ? undefined : description;
}

export async function readDescription(image: string): Promise<ImageDescription | undefined> {
  return parseImageDescription(await readFile(descriptionPath(image), 'utf8').catch(() => ''));
}

/** What the description says of a file in its folder; undefined when it says nothing, or somebody wrote to it since. */
export async function findCurrentFile(path: string, description: ImageDescription): Promise<ImageOutput | undefined> {
  const record = description.files.find(({ name }) => name === basename(path));
  const status = await stat(path).catch(() => undefined);
  if (record === undefined || status?.size !== record.sizeBytes) return undefined;
  return description.build.fileTimes[record.name] === status.mtime.toISOString() ? record : undefined;
}
