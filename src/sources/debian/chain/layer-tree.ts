import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TarTree } from '../../../formats/tar/tar-tree.js';
import type { Mount } from '../../../model/sandbox.js';
import type { Stage, StageContext } from '../../../pipeline/stage.js';
import { toolVersions } from '../../../tools/tools-tree.js';
import type { OverPackages } from '../root/root-tree.js';
import { layOver, overPackagesKey, UNPACK } from '../root/root-tree.js';
import { pack, removeTrees } from '../rootfs/finish.js';
import { writeOwners } from '../rootfs/owners.js';
import type { RootfsInput } from '../rootfs/rootfs-build.js';
import type { Rootfs } from '../rootfs/rootfs.js';
import { rootfsStage } from '../rootfs/rootfs.js';
import { listChanges, markTime } from './changed-since.js';
import { installOver } from './install-over.js';
import type { ChainLayerTree } from './layer-files.js';
import { mergedTree, openLayerFiles, OWNERS, writeLayerFiles } from './layer-files.js';

export type LayerTreeInput = {
  /** Packages of this layer alone are in its lock. */
  readonly packages: RootfsInput;
  /** Of the lowest layer: its packages are installed there already. */
  readonly rootfs?: Rootfs | undefined;
  /** The lowest first. */
  readonly below: readonly ChainLayerTree[];
  readonly over: OverPackages;
};

/**
 * A layer whose content depends on the layers below it: packages are installed over theirs, users are added to theirs.
 * Its key holds theirs, so that it is made again when one of them changes.
 */
export function layerTreeStage(name: string): Stage<LayerTreeInput, ChainLayerTree> {
  return {
    name: `layer-${name}`,
    version: 1,
    group: `Layer ${name}`,
    open: ({ key, path }) => openLayerFiles(name, key, path),
    key: ({ packages, rootfs, below, over }) => ({
      tools: toolVersions(packages.tools, ['dpkg', 'rsync', 'tar']),
      ...(rootfs === undefined ? { packages: rootfsStage.key(packages) } : { rootfs: rootfs.key }),
      below: below.map((one) => one.key),
      over: overPackagesKey(over),
    }),

    async run({ packages, rootfs, below, over }, out, context) {
      const { tools, sourceDateEpoch } = packages;
      const root = join(context.work, 'root');
      const packed = join(context.work, 'packed');
      await mkdir(root, { mode: 0o755 });
      await mkdir(packed);
      const tree = await mergedTree(below);
      let kept: readonly string[];
      try {
        await unpackBelow(rootfs, below, root, packages, context);
        const since = rootfs === undefined ? await markTime(root, packages.tools, context) : undefined;
        if (rootfs === undefined && packages.lock.install.length > 0) {
          await installOver({ input: packages, root, context, unitsBelow: unitsOf(tree) });
        }
        await layOver(over, root, tools, context);
        await writeOwners(root, join(out, OWNERS));
        const changes = since && (await listChanges(root, since, packages.tools, context));
        await pack({ root, input: packages, context }, packed, changes?.names);
        kept = changes?.kept ?? [];
      } finally {
        await removeTrees({ input: packages, context });
      }
      context.report.step('comparing it with the layers below');
      await writeLayerFiles(join(packed, 'rootfs.tar'), tree, { time: sourceDateEpoch, kept }, out);
    },
  };
}

/** The layers below, one over the other. What a layer replaces by another kind of file is cleared first. */
async function unpackBelow(
  rootfs: Rootfs | undefined,
  below: readonly ChainLayerTree[],
  root: string,
  { tools }: RootfsInput,
  { host, report }: StageContext,
): Promise<void> {
  report.step('unpacking the layers below');
  const unpack = async (tar: string, more: readonly Mount[], args: readonly string[]): Promise<void> => {
    const mounts = [
      { source: root, target: '/mnt', writable: true },
      { source: tar, target: '/run/rootfs.tar' },
      ...more,
    ];
    await host.runIn({ root: tools.root, mounts }, { file: 'tar', args: [...UNPACK, ...args] });
  };
  if (rootfs !== undefined) await unpack(rootfs.tar, [], []);
  for (const { tar, clearedList, whiteoutList } of below) {
    const mounts = [{ source: root, target: '/mnt', writable: true }];
    const clear = { file: 'xargs', args: ['--null', '--no-run-if-empty', 'rm', '-rf', '--'] };
    await host.runIn({ root: tools.root, mounts }, clear, { stdinFile: clearedList });
    const names = ['--anchored', '--no-wildcards', '--exclude-from=/run/whiteouts'];
    await unpack(tar, [{ source: whiteoutList, target: '/run/whiteouts' }], names);
  }
}

const UNITS = 'usr/lib/systemd/system/';

function unitsOf(tree: TarTree): ReadonlySet<string> {
  return new Set([...tree.keys()].flatMap((path) => (path.startsWith(UNITS) ? [path.slice(UNITS.length)] : [])));
}
