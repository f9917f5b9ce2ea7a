import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../../../pipeline/stage.js';
import type { ToolsTree } from '../../../tools/tools-tree.js';
import { toolVersions } from '../../../tools/tools-tree.js';
import type { OverPackages } from '../root/root-tree.js';
import { layOver, overPackagesKey } from '../root/root-tree.js';
import { pack, removeTrees } from '../rootfs/finish.js';
import type { ChainLayerTree } from './layer-files.js';
import { openLayerFiles, writeLayerFiles } from './layer-files.js';

export type LooseLayerInput = { readonly tools: ToolsTree; readonly over: OverPackages };

/** Links to folders that every Debian has: files that are copied to /lib/… lie below /usr/lib. */
const LINKS: Readonly<Record<string, string>> = { bin: 'usr/bin', lib: 'usr/lib', sbin: 'usr/sbin' };
const FOLDERS = ['usr/bin', 'usr/lib', 'usr/sbin', 'usr'];

/**
 * A layer of files only, whose content does not depend on what is below it: it may stay as it is over other layers.
 * Its key holds none of theirs.
 */
export function looseLayerStage(name: string): Stage<LooseLayerInput, ChainLayerTree> {
  return {
    name: `layer-${name}`,
    version: 1,
    group: `Layer ${name}`,
    open: ({ key, path }) => openLayerFiles(name, key, path),
    key: ({ tools, over }) => ({ tools: toolVersions(tools, ['rsync', 'tar']), loose: overPackagesKey(over) }),

    async run({ tools, over }, out, context) {
      const { sourceDateEpoch } = over;
      const root = join(context.work, 'root');
      const packed = join(context.work, 'packed');
      await mkdir(packed);
      await mkdir(root, { mode: 0o755 });
      for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true, mode: 0o755 });
      for (const [link, target] of Object.entries(LINKS)) await symlink(target, join(root, link));
      try {
        await layOver(over, root, tools, context);
        await pack({ root, input: { tools, sourceDateEpoch }, context }, packed);
      } finally {
        await removeTrees({ input: { tools, sourceDateEpoch }, context });
      }
      const scaffold = [...Object.keys(LINKS), ...FOLDERS];
      await writeLayerFiles(join(packed, 'rootfs.tar'), new Map(), { time: sourceDateEpoch, scaffold }, out);
    },
  };
}
