import type { FileEntry } from '../formats/file-system/file-entry.js';
import { parentOf } from '../formats/file-system/file-entry.js';
import type { FolderReport } from './image-report.js';

/** What each folder takes with everything below it; a file of several names counts where its first name lies. */
export function folderSizes(entries: readonly FileEntry[]): readonly FolderReport[] {
  const sizes = new Map<string, { diskBytes: number; files: number }>();
  const counted = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'folder') sizes.set(entry.path, { diskBytes: 0, files: 0 });
    if (entry.links > 1) {
      const id = `${entry.owner === undefined ? 'fat' : 'ext'} ${entry.id}`;
      if (counted.has(id)) continue;
      counted.add(id);
    }
    for (let folder = entry.kind === 'folder' ? entry.path : parentOf(entry.path); ; folder = parentOf(folder)) {
      const size = sizes.get(folder);
      if (size !== undefined) {
        size.diskBytes += entry.diskBytes;
        if (entry.kind !== 'folder') size.files += 1;
      }
      if (folder === '/') break;
    }
  }
  return [...sizes].map(([path, size]) => ({ path, ...size }));
}

/** Those that take at least `share` (0 to 1) of the root's bytes, in the order of a tree, the larger ones first. */
export function largeFolders(folders: readonly FolderReport[], share: number): readonly FolderReport[] {
  const total = folders.find(({ path }) => path === '/')?.diskBytes ?? 0;
  const byParent = new Map<string, FolderReport[]>();
  for (const folder of folders) {
    if (folder.path === '/' || folder.diskBytes < total * share) continue;
    const parent = parentOf(folder.path);
    byParent.set(parent, [...(byParent.get(parent) ?? []), folder]);
  }
  const below = (path: string): FolderReport[] =>
    (byParent.get(path) ?? [])
      .toSorted((a, b) => b.diskBytes - a.diskBytes || (a.path < b.path ? -1 : 1))
      .flatMap((folder) => [folder, ...below(folder.path)]);
  const root = folders.find(({ path }) => path === '/');
  return root === undefined ? [] : [root, ...below('/')];
}
