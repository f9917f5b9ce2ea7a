import { chmod, copyFile, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isNameTaken } from '../../../host/path-exists.js';
import type { DebFile } from '../packages.js';
import type { Mount } from '../../../model/sandbox.js';
import type { ProgramKind } from '../native-programs.js';
import { dpkgPrograms, retargetDpkg, nativePrograms } from '../native-programs.js';
import { together } from '../../../pipeline/together.js';
import { mapParallel } from '../debs.js';
import type { RootfsBuild } from './rootfs-build.js';
import { debMounts } from './rootfs-build.js';
import { findElfFiles } from './find-elf-files.js';

/** Programs of the host's architecture, of the same versions as the image's. Never installed, only unpacked. */
export type NativeTree = {
  readonly folder: string;
  readonly kind: ProgramKind;
  /** dpkg's programs that take the image's architecture for their own. */
  readonly dpkgFolder: string;
};

export async function unpackNative(
  { input, context }: RootfsBuild,
  debs: readonly DebFile[],
  kind: ProgramKind,
): Promise<NativeTree> {
  const folder = join(context.work, 'twin');
  const dpkgFolder = join(context.work, 'dpkg');
  await mkdir(folder);
  await mkdir(dpkgFolder);
  await mapParallel(debs, context.jobs, async (deb) => {
    const mounts = [...debMounts([deb], '/srv'), { source: folder, target: '/mnt', writable: true }];
    const args = ['--extract', `/srv/${basename(deb.path)}`, '/mnt'];
    await context.host.runIn({ root: input.tools.root, mounts }, { file: 'dpkg-deb', args });
  });
  const eatmydata = `usr/lib/${kind.triplet}/libeatmydata.so`;
  await copyFile(join(input.tools.root, eatmydata), join(folder, eatmydata));
  for (const name of dpkgPrograms) {
    const program = await readFile(join(folder, 'usr/bin', name)).catch(() => Buffer.alloc(0));
    const retargeted = retargetDpkg(program, input.hostArchitecture, input.lock.architecture);
    if (retargeted === undefined) continue;
    await writeFile(join(dpkgFolder, name), retargeted);
    await chmod(join(dpkgFolder, name), 0o755);
  }
  return { folder, kind, dpkgFolder };
}

/**
 * What to lay over the image, for as long as one command runs, so that its scripts run at native speed: the twins of
 * the programs that are unpacked by now, their libraries beside the image's own, and dpkg for the image's architecture.
 */
export async function nativeMounts(root: string, twins: NativeTree, imageKind: ProgramKind): Promise<readonly Mount[]> {
  const libraries = `usr/lib/${twins.kind.triplet}`;
  const [ofTwins, ofImage] = await together([
    findElfFiles(twins.folder, [libraries]),
    findElfFiles(root, [`usr/lib/${imageKind.triplet}`]),
  ]);
  const programs = nativePrograms(ofTwins, ofImage, { twin: twins.kind, image: imageKind });
  const retargeted = await readdir(twins.dpkgFolder);
  const own = new Set<string>(dpkgPrograms.map((name) => `usr/bin/${name}`));
  const folders = [
    libraries,
    ...(twins.kind.loaderFolder === undefined ? [] : [twins.kind.loaderFolder]),
    ...(await pythonModules(root, twins.folder)),
  ];
  await linkLoader(root, twins.kind);
  return [
    ...programs.filter((path) => !own.has(path)).map((path) => shown(twins.folder, path)),
    ...folders.map((path) => shown(twins.folder, path)),
    ...[...ofTwins.keys()].filter((path) => isPythonModule(path, twins.kind)).map((path) => shown(twins.folder, path)),
    ...retargeted
      .filter((name) => ofImage.has(`usr/bin/${name}`))
      .map((name) => ({ source: join(twins.dpkgFolder, name), target: `/usr/bin/${name}` })),
  ];
}

function shown(folder: string, path: string): Mount {
  return { source: join(folder, path), target: `/${path}` };
}

/** Python's modules in C carry the architecture in their names; those of packages come beside the image's own. */
function isPythonModule(path: string, { triplet }: ProgramKind): boolean {
  return path.startsWith('usr/lib/python3/') && path.endsWith(`-${triplet}.so`);
}

/** Python's own ones: the whole folder is exchanged. */
async function pythonModules(root: string, twins: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const name of await readdir(join(twins, 'usr/lib'))) {
    const path = `usr/lib/${name}/lib-dynload`;
    if (!name.startsWith('python3.')) continue;
    const both = await Promise.all([root, twins].map((tree) => stat(join(tree, path)).catch(() => undefined)));
    if (both.every((status) => status?.isDirectory() === true)) folders.push(path);
  }
  return folders;
}

/** Programs ask for /lib64/ld-linux-x86-64.so.2. */
async function linkLoader(root: string, { loaderFolder }: ProgramKind): Promise<void> {
  if (loaderFolder === undefined) return;
  const link = join(root, basename(loaderFolder));
  if (!(await isNameTaken(link))) await symlink(loaderFolder, link);
}
