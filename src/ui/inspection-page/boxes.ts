import { baseName, parentOf } from '../../formats/file-system/file-entry.js';
import type { FileReport, FolderReport, ImageReport } from '../../inspect/image-report.js';
import type { Box } from './treemap.js';

/** Folders this deep are boxes of their own; what lies deeper is in theirs. */
const DEEPEST = 4;

/** The image's folders, with its large files in them. What is too small for the report is one box a folder. */
export function folderBoxes({ folders, largeFiles }: ImageReport): Box {
  const byParent = new Map<string, FolderReport[]>();
  for (const folder of folders) {
    if (folder.path === '/') continue;
    const parent = parentOf(folder.path);
    byParent.set(parent, [...(byParent.get(parent) ?? []), folder]);
  }
  const filesOf = new Map<string, FileReport[]>();
  for (const file of largeFiles) {
    const folder = parentOf(file.path);
    filesOf.set(folder, [...(filesOf.get(folder) ?? []), file]);
  }
  const boxOf = (folder: FolderReport): Box => {
    const below = byParent.get(folder.path) ?? [];
    const files = filesOf.get(folder.path) ?? [];
    const depth = folder.path === '/' ? 0 : folder.path.split('/').length - 1;
    const name = folder.path === '/' ? '/' : baseName(folder.path);
    const group = depth === 1 || depth === 2 ? { group: folder.path } : {};
    if (depth >= DEEPEST || below.length + files.length === 0) {
      return { name, path: folder.path, bytes: folder.diskBytes, ...group };
    }
    const listed = [
      ...below.map(boxOf),
      ...files.map(({ path, diskBytes }): Box => ({ name: baseName(path), path, bytes: diskBytes })),
    ];
    const rest = folder.diskBytes - listed.reduce((sum, { bytes }) => sum + bytes, 0);
    const children =
      rest > 0 ? [...listed, { name: 'smaller ones', path: `${folder.path}: smaller ones`, bytes: rest }] : listed;
    return { name, path: folder.path, bytes: folder.diskBytes, children, ...group };
  };
  const root = folders.find(({ path }) => path === '/');
  return root === undefined ? { name: '/', path: '/', bytes: 0 } : boxOf(root);
}

/** Packages by what they take, and what came from none. */
export function packageBoxes({ packages }: ImageReport): Box {
  const children = packages.list
    .filter(({ diskBytes }) => diskBytes > 0)
    .map(({ name, version, section, diskBytes }): Box => {
      return { name, path: `${name} ${version}`, bytes: diskBytes, group: section };
    });
  const rest: Box[] =
    packages.unownedBytes === 0
      ? []
      : [{ name: 'from no package', path: 'from no package', bytes: packages.unownedBytes, group: 'none' }];
  return { name: 'packages', path: 'packages', bytes: 0, children: [...children, ...rest] };
}
