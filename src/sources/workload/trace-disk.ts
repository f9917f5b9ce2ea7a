import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { Tree } from '../../tools/tree.js';

export type TraceDiskInput = { readonly tools: ToolsTree; readonly tree: Tree };

/** A squashfs of everything that the workload could use: the root of the machine that is watched. */
export const traceDiskStage: Stage<TraceDiskInput, string> = {
  name: 'workload-disk',
  version: 1,
  group: 'Trace',
  key: ({ tree }) => ({ tree: tree.key }),
  open: ({ path }) => join(path, 'root.squashfs'),

  async run({ tools, tree }, out, context) {
    const folder = join(context.work, 'root');
    await mkdir(folder);
    context.report.step('putting the whole tree together');
    await tree.assemble(folder, tools, context);
    const mounts = [
      { source: folder, target: '/srv' },
      { source: out, target: '/mnt', writable: true },
    ];
    context.report.step('packing it for the machine');
    const args = [
      '/srv',
      '/mnt/root.squashfs',
      '-comp',
      'zstd',
      '-Xcompression-level',
      '3',
      '-all-root',
      '-no-progress',
    ];
    await context.host.runIn({ root: tools.root, mounts }, { file: 'mksquashfs', args });
    await context.host.runIn(
      { root: tools.root, mounts: [{ source: folder, target: '/mnt', writable: true }] },
      { file: 'find', args: ['/mnt', '-mindepth', '1', '-delete'] },
    );
  },
};
