import { chmod, lstat, mkdir, open, readdir, rename, rm, rmdir, symlink, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import { baseName } from '../formats/file-system/file-entry.js';
import { bytesOfName, nameOfBytes } from '../formats/file-system/file-name.js';
import { UserError } from '../errors.js';
import { temporaryBeside } from '../host/replace-file.js';
import type { Host } from '../host/host.js';
import { guardSpace } from '../pipeline/disk-full.js';
import type { FileView } from '../images/file-view.js';
import { writeData } from '../images/sparse-write.js';

export type ExtractOptions = {
  /** Folder that it goes into; made when it is not there. */
  readonly to: string;
  /** Files that are there already may be replaced; what else lies in a folder stays. */
  readonly replace: boolean;
};

export type ExtractSummary = {
  /** Where it is now. */
  readonly path: string;
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  readonly bytes: number;
  /** Devices, sockets and pipes, and what is not read: these are left out. */
  readonly skipped: readonly string[];
};

/**
 * Copies `entry` and what lies below it into a folder of this machine; names keep their bytes. It comes into being beside its place under
 * another name and is moved there when it is whole. Names come from a folder's entries, so they hold no "/" and no "..";
 * links are made last and never followed: nothing is written outside of the folder. Owners become ours, set-user-id
 * bits go. Throws UserError `extract-exists` or `extract-target`, ReswarmError `disk-full`.
 */
export async function extractFiles(
  files: FileView,
  entry: FileEntry,
  options: ExtractOptions,
  host: Host,
): Promise<ExtractSummary> {
  const name = entry.path === '/' ? 'root' : baseName(entry.path);
  const place = join(options.to, name);
  if (!options.replace && (await statusOf(place)) !== undefined) {
    throw new UserError('extract-exists', `${place} is there already`, {
      hints: ['Choose another folder with --to, or let it be replaced with --force.'],
    });
  }
  await makeTarget(options.to);
  const scratch = temporaryBeside(join(options.to, name));
  try {
    const summary = await guardSpace(options.to, 'Choose another place with --to.', async () => {
      await mkdir(scratch, { mode: 0o700 });
      return copyOut(files, entry, join(scratch, name), host);
    });
    await requireSameKinds(join(scratch, name), place);
    await moveInto(join(scratch, name), place);
    return { path: place, ...summary };
  } finally {
    await removeTree(scratch);
  }
}

async function makeTarget(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UserError('extract-target', `${folder} cannot be a folder to extract into: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

type Counts = Omit<ExtractSummary, 'path'>;

async function copyOut(files: FileView, root: FileEntry, place: string, host: Host): Promise<Counts> {
  const counts = { files: 0, folders: 0, links: 0, bytes: 0, skipped: [] as string[] };
  const links: { path: string; target: string }[] = [];
  /** Folders get their own modes and times when all is in them: one may be read-only. */
  const finished: { path: string; entry: FileEntry }[] = [];
  const copy = async (entry: FileEntry, path: string): Promise<void> => {
    host.signal.throwIfAborted();
    if (entry.notRead !== undefined) {
      counts.skipped.push(`${entry.path} (not read: uses ${entry.notRead})`);
      return;
    }
    switch (entry.kind) {
      case 'folder':
        await mkdir(bytesOfName(path), { mode: 0o700 });
        counts.folders += 1;
        for (const child of files.children(entry.path)) await copy(child, join(path, baseName(child.path)));
        finished.push({ path, entry });
        return;
      case 'file':
        counts.bytes += await writeContent(files, entry, path, host);
        counts.files += 1;
        finished.push({ path, entry });
        return;
      case 'link':
        links.push({ path, target: entry.target ?? '' });
        return;
      case 'character-device':
      case 'block-device':
      case 'fifo':
      case 'socket':
        counts.skipped.push(entry.path);
    }
  };
  await copy(root, place);
  for (const { path, target } of links) await symlink(bytesOfName(target), bytesOfName(path));
  for (const { path, entry } of finished) {
    await utimes(bytesOfName(path), entry.modifiedSeconds, entry.modifiedSeconds);
    await chmod(bytesOfName(path), safeMode(entry));
  }
  return { ...counts, links: links.length };
}

/** Set-user-id and set-group-id belong to the device's users, not to ours. We can always read and delete our copy. */
function safeMode(entry: FileEntry): number {
  const isFolder = entry.kind === 'folder';
  const mode = (entry.owner?.mode ?? (isFolder ? 0o755 : 0o644)) & 0o777;
  return mode | (isFolder ? 0o700 : 0o600);
}

/** Zeros become holes: a log that was made for a large number of users would fill a disk. */
async function writeContent(files: FileView, entry: FileEntry, path: string, host: Host): Promise<number> {
  const target = await open(bytesOfName(path), 'wx', 0o600);
  try {
    let position = 0;
    for await (const bytes of files.content(entry)) {
      host.signal.throwIfAborted();
      await writeData(target, bytes, position);
      position += bytes.length;
    }
    // A hole at its end.
    await target.truncate(position);
    return position;
  } finally {
    await target.close();
  }
}

/** Before anything is moved: a folder here and a file in the image, or the other way round, cannot be merged. */
async function requireSameKinds(from: string, to: string): Promise<void> {
  const [source, there] = [await statusOf(from), await statusOf(to)];
  if (source === undefined || there === undefined) return;
  if (source.isDirectory() !== there.isDirectory()) {
    const what = there.isDirectory() ? 'a folder' : there.isSymbolicLink() ? 'a link' : 'a file';
    throw new UserError('extract-exists', `${to} is ${what} here and something else in the image`, {
      hints: ['Move it away first.'],
    });
  }
  if (!source.isDirectory()) return;
  for (const name of await namesIn(from)) await requireSameKinds(join(from, name), join(to, name));
}

/** Moves a tree to its place; folders that are there on both sides are merged. */
async function moveInto(from: string, to: string): Promise<void> {
  const [source, there] = [await statusOf(from), await statusOf(to)];
  // A device, which was left out.
  if (source === undefined) return;
  if (!source.isDirectory() || there === undefined) {
    await rename(bytesOfName(from), bytesOfName(to));
    return;
  }
  for (const name of await namesIn(from)) await moveInto(join(from, name), join(to, name));
  await rmdir(bytesOfName(from));
}

async function statusOf(path: string) {
  return lstat(bytesOfName(path)).catch(() => undefined);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(bytesOfName(folder), { encoding: 'buffer' })).map(nameOfBytes);
}

async function removeTree(path: string): Promise<void> {
  if (!basename(path).endsWith('.part')) throw new TypeError(`${path} is no scratch folder`);
  await rm(path, { recursive: true, force: true });
}
