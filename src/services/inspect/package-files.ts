import { parseDpkgStatus } from '../../domain/dpkg-status.js';
import { baseName, joinPath, parentOf } from '../../domain/file-entry.js';
import type { PackageReport, PackagesReport } from '../../domain/image-report.js';
import type { FileView } from './file-view.js';

const STATUS = '/var/lib/dpkg/status';
const LISTS = '/var/lib/dpkg/info';

/** dpkg's database of the image, and what each package really takes. Nothing installed: an empty list. */
export async function reportPackages(files: FileView): Promise<PackagesReport> {
  const installed = parseDpkgStatus((await files.text(STATUS)) ?? '');
  const owners = await readOwners(files);
  const bytes = new Map<string, number>();
  const counted = new Set<number>();
  let unownedBytes = 0;
  for (const entry of files.entries) {
    // A FAT has no inodes, and no package brings what lies there.
    if (entry.owner === undefined || entry.kind === 'folder' || entry.diskBytes === 0) continue;
    if (entry.links > 1) {
      if (counted.has(entry.id)) continue;
      counted.add(entry.id);
    }
    const owner = owners.get(entry.path);
    if (owner === undefined) unownedBytes += entry.diskBytes;
    else bytes.set(owner, (bytes.get(owner) ?? 0) + entry.diskBytes);
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
