import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { elfArchitecture, ELF_HEADER_BYTES } from '../../formats/elf.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Workload } from '../../model/workload.js';
import { readFirstBytes } from './first-bytes.js';
import type { TreeFile } from './full-tree.js';
import { parentOf } from './full-tree.js';
import { filesBelow } from './unpacked-packages.js';

/** A file of the user's, and what stands for its bytes; folders and links have none. */
export type OwnFile = TreeFile & { readonly sha256?: string };

/**
 * The user's files as they go into the system: programs and scripts with 0755, all else with 0644, whatever the checkout
 * says.
 *
 * @param compiled path of each compiled program on this machine, by its target
 */
export async function ownFiles(
  { files, programs }: Workload,
  compiled: ReadonlyMap<string, string>,
): Promise<readonly OwnFile[]> {
  const found: TreeFile[] = [];
  for (const { source, target } of files) found.push(...(await filesOf(source, target)));
  for (const { target } of programs) {
    const source = compiled.get(target);
    if (source === undefined) throw new TypeError(`${target} was not compiled`);
    found.push(...(await filesOf(source, target)));
  }
  return Promise.all(found.map(pinned));
}

async function filesOf(source: string, target: string): Promise<readonly TreeFile[]> {
  const status = await lstat(source);
  if (status.isDirectory()) {
    const below = await filesBelow(source, '');
    return [folder(target), ...below.map((file) => ({ ...file, path: `${target}${file.path}` }))];
  }
  return [{ path: target, type: 'file', mode: status.mode & 0o777, sizeBytes: status.size, source }];
}

async function pinned(file: TreeFile): Promise<OwnFile> {
  if (file.source === undefined) return file.type === 'folder' ? { ...file, mode: 0o755 } : file;
  const sha256 = await fileSha256(file.source);
  return { ...file, mode: (await isProgram(file)) ? 0o755 : 0o644, sha256 };
}

async function isProgram({ source = '', mode }: TreeFile): Promise<boolean> {
  if ((mode & 0o111) !== 0) return true;
  const head = await readFirstBytes(source, ELF_HEADER_BYTES);
  return head.toString('latin1', 0, 2) === '#!' || elfArchitecture(head) !== undefined;
}

/** A folder of the build's own. */
export function folder(path: string, mode = 0o755): TreeFile {
  return { path, type: 'folder', mode, sizeBytes: 0 };
}

/** Folders that the paths need and that nobody brings. */
export function missingFolders(files: readonly TreeFile[], isThere: (path: string) => boolean): readonly TreeFile[] {
  const missing = new Set<string>();
  for (const { path } of files) {
    for (let above = parentOf(path); above !== '' && above !== dirname(above); above = parentOf(above)) {
      if (!isThere(above)) missing.add(above);
    }
  }
  return [...missing].map((path) => folder(path));
}
