import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fetchDebs } from './debs.js';
import type { SourceDeb } from './packages.js';
import type { StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

/**
 * Fetches a package and unpacks it with the tools' own dpkg-deb. Nothing is installed. Throws what `fetchDebs` throws.
 *
 * @returns the folder below the stage's scratch
 */
export async function unpackDeb(source: SourceDeb, tools: ToolsTree, context: StageContext): Promise<string> {
  const { host, work } = context;
  const [deb] = await fetchDebs([source], source.sources, context, source.packageFiles);
  if (deb === undefined) throw new TypeError(`${source.name} was not fetched`);
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
