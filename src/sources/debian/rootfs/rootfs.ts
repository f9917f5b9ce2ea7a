import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dpkgFilterOptions } from '../dpkg-filters.js';
import { programKind } from '../native-programs.js';
import { unitPresets } from '../unit-presets.js';
import type { Stage } from '../../../pipeline/stage.js';
import { together } from '../../../pipeline/together.js';
import { fetchDebs } from '../debs.js';
import { configure } from './configure.js';
import { readOwners, writeOwners } from './owners.js';
import { finish, pack, removeTrees } from './finish.js';
import type { NativeMounts, RootfsBuild, RootfsInput } from './rootfs-build.js';
import { nativeMounts, unpackNative } from './native-tree.js';
import { prepareRoot, unpackEssential, unpackRest } from './unpack.js';
import { toolVersions } from '../../../tools/tools-tree.js';

export type { RootfsInput } from './rootfs-build.js';

/** The root file system of the packages alone. */
export type Rootfs = {
  readonly key: string;
  readonly tar: string;
  /** Who brings which path. */
  owners(): Promise<ReadonlyMap<string, string>>;
};

/**
 * Debian's packages, installed and configured. Writes `rootfs.tar` (sorted, numeric owners, no time later than
 * sourceDateEpoch, so that the same lock gives the same bytes), `packages.json`, the list of what is in it, and
 * `owners.txt`: which package brings which path.
 */
export const rootfsStage: Stage<RootfsInput, Rootfs> = {
  name: 'rootfs',
  version: 3,
  group: 'Packages of the root file system',
  open: ({ key, path }) => ({ key, tar: join(path, 'rootfs.tar'), owners: () => readOwners(path) }),
  key: (input) => ({
    tools: toolVersions(input.tools, ['dpkg', 'tar']),
    architecture: input.lock.architecture,
    // Unpacked in this order.
    packages: input.lock.install.map(({ name, sha256 }) => `${name} ${sha256}`),
    deviceSources: input.deviceSources,
    dpkgFilters: dpkgFilterOptions(input.dpkgFilters),
    units: unitPresets(input.unitPresets),
    sourceDateEpoch: input.sourceDateEpoch,
    accelerate: input.accelerate,
  }),

  async run(input, out, context) {
    const build: RootfsBuild = { input, root: join(context.work, 'root'), context };
    const twins = twinKinds(input);
    context.report.step('downloading packages');
    const wanted = [...input.lock.install, ...(twins === undefined ? [] : input.lock.twins)];
    const debs = await fetchDebs(wanted, input.sources, context, input.packageFiles);
    const install = debs.slice(0, input.lock.install.length);
    try {
      await prepareRoot(build);
      const [tree] = await together([
        twins === undefined ? undefined : unpackNative(build, debs.slice(install.length), twins.host),
        unpackEssential(build, install),
      ]);
      const overlay = async (): Promise<NativeMounts> =>
        tree === undefined || twins === undefined ? [] : nativeMounts(build.root, tree, twins.image);
      await unpackRest(build, install, await overlay());
      await configure(build, await overlay());
      await finish(build);
      await writeOwners(build.root, join(out, 'owners.txt'));
      await pack(build, out);
    } finally {
      await removeTrees(build);
    }
    const packages = input.lock.install.map(({ name, version, architecture }) => ({ name, version, architecture }));
    await writeFile(join(out, 'packages.json'), JSON.stringify(packages, undefined, 1));
  },
};

/** Undefined where the image's own programs run: they are native, or emulation is asked for, or nothing is known of the host's. */
export function twinKinds({ accelerate, lock, hostArchitecture }: RootfsInput) {
  const host = programKind(hostArchitecture);
  const image = programKind(lock.architecture);
  const pointless = !accelerate || hostArchitecture === lock.architecture;
  return pointless || host === undefined || image === undefined ? undefined : { host, image };
}
