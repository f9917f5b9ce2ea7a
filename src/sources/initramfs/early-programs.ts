import { chmod, copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Architecture } from '../../model/architecture.js';
import { elfClosure } from '../workload/elf-closure.js';
import type { TreeFile } from '../workload/full-tree.js';
import { FullTree } from '../workload/full-tree.js';
import type { UnpackedPackages } from '../workload/unpacked-packages.js';

/** Programs of Debian's packages for the device, which need libraries. */
export type EarlyPrograms = {
  readonly packages: Pick<UnpackedPackages, 'key' | 'files'>;
  readonly architecture: Architecture;
  /** Absolute: "/usr/sbin/cryptsetup". Libraries that glibc opens by itself are named too. */
  readonly paths: readonly string[];
};

/**
 * Copies the programs and every file that they need, as their ELF headers say: none of them is run, so that any
 * architecture will do. Throws TypeError for a program or a library that the packages do not have.
 */
export async function placePrograms({ packages, architecture, paths }: EarlyPrograms, base: string): Promise<void> {
  const tree = new FullTree(packages.files);
  const { paths: needed, missing } = await elfClosure(tree, paths, { architecture, env: {} });
  const absent = paths.filter((path) => tree.follow(path).end === undefined);
  if (missing.length > 0 || absent.length > 0) {
    const names = [...absent, ...missing.map(({ name, needed: by }) => `${name} for ${by}`)];
    throw new TypeError(`the packages of the early user space have no ${names.join(', ')}`);
  }
  const all = new Set(paths.flatMap((path) => [...tree.follow(path).links, tree.follow(path).end?.path ?? '']));
  for (const path of [...needed, ...all].toSorted()) await place(tree.at(path), base);
}

async function place(file: TreeFile | undefined, base: string): Promise<void> {
  // The links of merged /usr are there already.
  if (file === undefined || file.type === 'folder' || /^\/[^/]+$/.test(file.path)) return;
  const to = join(base, file.path);
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  await rm(to, { force: true });
  if (file.type === 'link') return symlink(file.target ?? '', to);
  await copyFile(file.source ?? '', to);
  await chmod(to, file.mode);
}
