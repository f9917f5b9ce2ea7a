import { lstat, mkdir, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../errors.js';
import type { PinnedPackageFile } from '../../model/packages.js';
import type { Stage, StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { fetchDebs } from '../debian/debs.js';
import type { DebFile, LockedPackage } from '../debian/packages.js';
import type { TreeFile } from './full-tree.js';
import { FullTree, parentOf } from './full-tree.js';

export type UnpackedPackagesInput = {
  readonly tools: ToolsTree;
  readonly packages: readonly LockedPackage[];
  /** The sources.list that the packages were locked with. */
  readonly sources: string;
  readonly packageFiles?: readonly PinnedPackageFile[];
};

/** The files of packages as they come: nothing is installed, no script runs, so any architecture will do. */
export type UnpackedPackages = {
  readonly key: string;
  readonly files: readonly TreeFile[];
  /** By name. */
  readonly packages: ReadonlyMap<string, LockedPackage>;
};

/** A row of the index: path, type, mode, size, target of a link, package. */
type Row = readonly [string, TreeFile['type'], number, number, string | null, string | null];

/** What people read; nothing of it is opened by programs. */
const DOCUMENTS = ['doc', 'man', 'info', 'lintian', 'doc-base', 'bug'].map((name) => `usr/share/${name}`);

/** What packages keep for dpkg's base files and for merged /usr: unpacked first, so that the others find the links. */
const FIRST = ['base-files', 'usr-is-merged', 'usrmerge'];

/** Unpacks packages of any architecture into one folder, and keeps which file came from which. */
export const unpackedPackagesStage: Stage<UnpackedPackagesInput, UnpackedPackages> = {
  name: 'workload-packages',
  version: 1,
  group: 'Packages of the workload',
  key: ({ packages }) => ({ packages: packages.map(({ name, sha256 }) => `${name} ${sha256}`).toSorted() }),

  async open({ key, path }, { packages }) {
    const rows = JSON.parse(await readFile(join(path, 'index.json'), 'utf8')) as readonly Row[];
    const files = rows.map((row) => fileOf(row, join(path, 'tree')));
    return { key, files, packages: new Map(packages.map((one) => [one.name, one])) };
  },

  async run({ tools, packages, sources, packageFiles = [] }, out, context) {
    const debs = await fetchDebs(packages, sources, context, packageFiles);
    const tree = join(out, 'tree');
    const lists = join(context.work, 'lists');
    await mkdir(tree);
    await mkdir(lists);
    const isFirst = ({ name }: DebFile): boolean => FIRST.includes(name);
    for (const deb of [...debs.filter(isFirst), ...debs.filter((one) => !isFirst(one))]) {
      context.report.step(`unpacking ${deb.name}`);
      await unpack(deb, { tools, tree, lists }, context);
    }
    for (const folder of DOCUMENTS) await rm(join(tree, folder), { recursive: true, force: true });
    const owners = await readOwners(debs, lists);
    const files = await filesBelow(tree, '');
    const whole = new FullTree(files);
    const packageOf = ownersByRealPath(owners, whole);
    const rows = files.map((file): Row => {
      const { path, type, mode, sizeBytes, target } = file;
      return [path, type, mode, sizeBytes, target ?? null, packageOf.get(path) ?? null];
    });
    await writeFile(join(out, 'index.json'), JSON.stringify(rows));
  },
};

type Places = { readonly tools: ToolsTree; readonly tree: string; readonly lists: string };

/** Everything belongs to root and nothing is set-user-ID: the store and an ordinary user's image hold the same. */
const UNPACK = `set -e
dpkg-deb --fsys-tarfile "$1" > /mnt/lists/data.tar
tar --extract --file=/mnt/lists/data.tar --directory=/mnt/tree --no-same-owner --preserve-permissions --keep-directory-symlink
tar --list --quoting-style=literal --file=/mnt/lists/data.tar > "/mnt/lists/$2"
rm /mnt/lists/data.tar
find /mnt/tree -perm /6000 -exec chmod u-s,g-s {} +`;

async function unpack(deb: DebFile, { tools, tree, lists }: Places, { host }: StageContext): Promise<void> {
  const mounts = [
    { source: dirname(deb.path), target: '/srv' },
    { source: tree, target: '/mnt/tree', writable: true },
    { source: lists, target: '/mnt/lists', writable: true },
  ];
  const name = deb.path.slice(dirname(deb.path).length + 1);
  const sandbox = { root: tools.root, mounts, tmpfs: ['/tmp', '/run', '/mnt'] };
  await host.runIn(sandbox, { file: 'sh', args: ['-c', UNPACK, 'sh', `/srv/${name}`, `${deb.name}.list`] });
}

/** Package by path, as the packages write it. */
async function readOwners(debs: readonly DebFile[], lists: string): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  for (const { name } of debs) {
    const text = await readFile(join(lists, `${name}.list`), 'utf8');
    for (const line of text.split('\n')) {
      if (!line.endsWith('/') && line.startsWith('./')) owners.set(line.slice(1), name);
    }
  }
  return owners;
}

/** /lib/x of a package is /usr/lib/x in the tree. */
function ownersByRealPath(owners: ReadonlyMap<string, string>, tree: FullTree): ReadonlyMap<string, string> {
  return new Map(
    [...owners].map(([path, name]) => {
      const { end } = tree.follow(parentOf(path));
      return [`${end?.path ?? ''}${path.slice(path.lastIndexOf('/'))}`, name];
    }),
  );
}

/** All below a folder, sorted. Throws UserError `package-file-name` for a name that no list could hold. */
export async function filesBelow(root: string, path: string): Promise<TreeFile[]> {
  const names = (await readdir(join(root, path))).toSorted();
  const found: TreeFile[] = [];
  for (const name of names) {
    const below = `${path}/${name}`;
    if (/[\n\r]/.test(name)) {
      throw new UserError('package-file-name', `The name of ${JSON.stringify(below)} has a line break in it`, {
        hints: ['A list of files cannot hold it: leave the package out, or rename the file.'],
      });
    }
    const status = await lstat(join(root, below));
    const mode = status.mode & 0o777;
    if (status.isDirectory()) {
      found.push({ path: below, type: 'folder', mode: mode | (status.mode & 0o1000), sizeBytes: 0 });
      found.push(...(await filesBelow(root, below)));
    } else if (status.isSymbolicLink()) {
      const target = await readlink(join(root, below));
      found.push({ path: below, type: 'link', mode: 0o777, sizeBytes: Buffer.byteLength(target), target });
    } else if (status.isFile()) {
      found.push({ path: below, type: 'file', mode, sizeBytes: status.size, source: join(root, below) });
    }
  }
  return found;
}

function fileOf([path, type, mode, sizeBytes, target, name]: Row, root: string): TreeFile {
  return {
    path,
    type,
    mode,
    sizeBytes,
    ...(type === 'file' ? { source: join(root, path) } : {}),
    ...(target === null ? {} : { target }),
    ...(name === null ? {} : { package: name }),
  };
}
