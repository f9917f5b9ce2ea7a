import { together } from '../../../pipeline/together.js';
import { fetchDebs } from '../debs.js';
import { configure } from '../rootfs/configure.js';
import { finish } from '../rootfs/finish.js';
import { nativeMounts, unpackNative } from '../rootfs/native-tree.js';
import type { NativeMounts, RootfsBuild } from '../rootfs/rootfs-build.js';
import { twinKinds } from '../rootfs/rootfs.js';
import { prepareInstalledRoot, unpackRest } from '../rootfs/unpack.js';

/** Installs packages into a root that has others already, as dpkg on the device would, with its scripts and triggers. */
export async function installOver(build: RootfsBuild): Promise<void> {
  const { input, context, root } = build;
  const { install } = input.lock;
  const kinds = twinKinds(input);
  context.report.step('downloading packages');
  const wanted = [...install, ...(kinds === undefined ? [] : input.lock.twins)];
  const debs = await fetchDebs(wanted, input.sources, context, input.packageFiles);
  await prepareInstalledRoot(build);
  const [twins] = await together([
    kinds === undefined ? undefined : unpackNative(build, debs.slice(install.length), kinds.host),
  ]);
  const overlay = async (): Promise<NativeMounts> =>
    twins === undefined || kinds === undefined ? [] : nativeMounts(root, twins, kinds.image);
  await unpackRest(build, debs.slice(0, install.length), await overlay());
  await configure(build, await overlay());
  await finish(build);
}
