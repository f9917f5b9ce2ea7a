import { parseDpkgStatus } from '../formats/dpkg-status.js';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import { baseName, joinPath, parentOf } from '../formats/file-system/file-entry.js';
import type { PackageReport, PackagesReport } from './image-report.js';
import type { FileView } from '../images/file-view.js';

const STATUS = '/var/lib/dpkg/status';
const LISTS = '/var/lib/dpkg/info';

/** dpkg's database of the image, and what each package really takes. Nothing installed: an empty list. */
export async function reportPackages(files: FileView): Promise<PackagesReport> {
  const installed = parseDpkgStatus((await files.text(STATUS)) ?? '');
  const owners = await readOwners(files);
  const bytes = new Map<string, number>();
  let unownedBytes = 0;
  for (const { diskBytes, owner } of ownedFiles(files.entries, owners)) {
    if (owner === undefined) unownedBytes += diskBytes;
    else bytes.set(owner, (bytes.get(owner) ?? 0) + diskBytes);
  }
  const list = installed
    .map((item): PackageReport => ({ ...item, diskBytes: bytes.get(item.name) ?? 0 }))
    .sort((a, b) => b.diskBytes - a.diskBytes || (a.name < b.name ? -1 : 1));
  return {
    count: list.length,
    declaredBytes: sum(list.map(({ declaredBytes }) => declaredBytes)),
    diskBytes: sum(list.map(({ diskBytes }) => diskBytes)),
    unownedBytes,
    list,
  };
}

type OwnedFile = { readonly diskBytes: number; readonly owner: string | undefined };

/** Each file once; one of several names belongs to the package that brought any of them. */
function ownedFiles(entries: readonly FileEntry[], owners: ReadonlyMap<string, string>): Iterable<OwnedFile> {
  const found: OwnedFile[] = [];
  const linked = new Map<number, OwnedFile>();
  for (const { path, kind, owner, diskBytes, links, id } of entries) {
    // A FAT's files have no owner, and no package brings what lies there.
    if (owner === undefined || kind === 'folder' || diskBytes === 0) continue;
    const file = { diskBytes, owner: owners.get(path) };
    if (links === 1) found.push(file);
    else if (linked.get(id)?.owner === undefined) linked.set(id, file);
  }
  return [...found, ...linked.values()];
}

/** The package that brought a path, by dpkg's `.list` files; links in the paths are followed (/bin is /usr/bin). */
async function readOwners(files: FileView): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  const folders = new Map<string, string>();
  const realFolder = (folder: string): string => {
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const real = files.find(folder)?.path ?? folder;
    folders.set(folder, real);
    return real;
  };
  for (const entry of files.children(LISTS)) {
    const name = /^([^:]+)(?::\w+)?\.list$/.exec(baseName(entry.path))?.[1];
    if (name === undefined) continue;
    for (const path of (await files.bytes(entry)).toString('utf8').split('\n')) {
      if (path === '' || path === '/.') continue;
      const real = joinPath(realFolder(parentOf(path)), baseName(path));
      if (!owners.has(real)) owners.set(real, name);
    }
  }
  return owners;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
