import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathExists } from '../../host/path-exists.js';
import type { RootFile } from './check-start.js';

/** What runs at the start of a tiny root. */
export type StartFiles = {
  readonly inittabs: readonly RootFile[];
  /** Of the layer, unless an overlay has put another file in the place. */
  readonly scripts: readonly RootFile[];
  /** Whether something is at a path of the root; without the first slash. */
  exists(path: string): boolean;
};

/** Scripts, and the file that they read functions from. */
const SHELL = /^#!\/bin\/sh\n|^# For the scripts of the system\.\n/;

/**
 * Reads what is started in a root that has been put together, and says of each file where the user finds it.
 * @param overlays copied over the layer in this order
 */
export async function readStartFiles(root: string, layer: string, overlays: readonly string[]): Promise<StartFiles> {
  const paths = await pathsBelow(root);
  const known = new Set(paths);
  const inittabs = paths.filter((path) => path === 'etc/inittab' || /^etc\/inittab\.d\/[^/]+$/.test(path));
  const scripts: RootFile[] = [];
  for (const path of await pathsBelow(layer)) {
    if ((await origin(path, layer, overlays)) !== join(layer, path)) continue;
    if (!(await lstat(join(layer, path))).isFile()) continue;
    const text = await readFile(join(layer, path), 'utf8');
    if (SHELL.test(text)) scripts.push({ path, file: join(layer, path), text });
  }
  return {
    inittabs: await Promise.all(
      inittabs.map(async (path) => {
        const file = await origin(path, layer, overlays);
        return { path, file, text: await readFile(file, 'utf8') };
      }),
    ),
    scripts,
    exists: (path) => known.has(path.replace(/\/+$/, '')),
  };
}

/** The last folder that has a file: that one is in the root. */
async function origin(path: string, layer: string, overlays: readonly string[]): Promise<string> {
  for (const folder of overlays.toReversed()) {
    if (await pathExists(join(folder, path))) return join(folder, path);
  }
  return join(layer, path);
}

/** Everything that can be looked at without being root, sorted, without a slash in front. */
async function pathsBelow(folder: string, below = ''): Promise<readonly string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(below, entry.name);
    found.push(path);
    if (entry.isDirectory()) found.push(...(await pathsBelow(folder, path)));
  }
  return found;
}
