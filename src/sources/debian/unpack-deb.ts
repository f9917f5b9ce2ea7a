import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DebFile } from './packages.js';
import type { StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

/** Unpacks a package with the tools' own dpkg-deb, installs nothing, and returns the folder below the stage's scratch. */
export async function unpackDeb(deb: DebFile, tools: ToolsTree, { host, work }: StageContext): Promise<string> {
  const folder = join(work, deb.name);
  await mkdir(folder, { recursive: true });
  await host.runIn(
    {
      root: tools.root,
      mounts: [
        { source: dirname(deb.path), target: '/srv' },
        { source: folder, target: '/mnt', writable: true },
      ],
    },
    { file: 'dpkg-deb', args: ['--extract', join('/srv', basename(deb.path)), '/mnt'] },
  );
  return folder;
}
