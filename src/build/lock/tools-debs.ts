import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { shownPackages } from '../../sources/debian/apt-output.js';
import type { PackageControl } from '../../sources/debian/package-controls.js';
import { parseControls } from '../../sources/debian/package-controls.js';
import type { LockedPackage } from '../../sources/debian/packages.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

/** The packages of a tools tree as the lists that it was made with have them, and what they say of themselves. */
export async function toolsDebs(
  tools: ToolsTree,
  host: Host,
): Promise<{ readonly debs: readonly LockedPackage[]; readonly controls: readonly PackageControl[] }> {
  const words = Object.entries(tools.versions).map(([name, version]) => `${name}=${version}`);
  const shown = await host.runIn(
    { root: tools.root },
    { file: 'apt-cache', args: ['--no-all-versions', 'show', ...words] },
    { okExitCodes: [0, 100] },
  );
  const debs = shownPackages(shown.stdout).filter(({ name, version }) => tools.versions[name] === version);
  const missing = Object.keys(tools.versions).filter((name) => !debs.some((one) => one.name === name));
  if (missing.length > 0) {
    throw new ReswarmError('tools-not-listed', `The tools tree has no lists for ${missing.slice(0, 5).join(', ')}`, {
      hints: ['Make the tools anew: reswarm-os lock with --refresh.'],
    });
  }
  const status = await readFile(join(tools.root, 'var/lib/dpkg/status'), 'utf8');
  return { debs: debs.toSorted((a, b) => (a.name < b.name ? -1 : 1)), controls: parseControls(status) };
}
