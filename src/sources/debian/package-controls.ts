import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStanzas, relationNames } from '../../formats/deb822.js';
import type { Host } from '../../host/host.js';
import type { PinnedPackageFile } from '../../model/packages.js';
import type { Stage } from '../../pipeline/stage.js';
import { fetchDebs, mapParallel, PARALLEL_DOWNLOADS } from './debs.js';
import type { LockedPackage } from './packages.js';

/** What a package says of itself, as far as the question why it is there goes. */
export type PackageControl = {
  readonly name: string;
  readonly isEssential: boolean;
  /** What it takes on the device, as its maintainer measured it. */
  readonly installedBytes: number;
  readonly provides: readonly string[];
  /** Lists of alternatives: one of each must be there. */
  readonly depends: readonly (readonly string[])[];
};

export type PackageControlsInput = {
  readonly packages: readonly LockedPackage[];
  /** The sources.list that they were locked with. */
  readonly sources: string;
  readonly packageFiles: readonly PinnedPackageFile[];
};

/** Fetches packages and reads their control files. Throws what `fetchDebs` throws. */
export const packageControlsStage: Stage<PackageControlsInput, readonly PackageControl[]> = {
  name: 'package-controls',
  version: 1,
  group: 'Package lists and seed',
  key: ({ packages }) => packages.map(({ sha256 }) => sha256).toSorted(),
  open: async ({ path }) =>
    JSON.parse(await readFile(join(path, 'controls.json'), 'utf8')) as readonly PackageControl[],

  async run({ packages, sources, packageFiles }, out, context) {
    context.report.step('fetching the packages');
    const debs = await fetchDebs(packages, sources, context, packageFiles);
    const texts = await mapParallel(debs, PARALLEL_DOWNLOADS, ({ path }) => readControl(path, context.host));
    await writeFile(join(out, 'controls.json'), JSON.stringify(parseControls(texts.join('\n')), undefined, 1));
  },
};

/** The control file of a .deb, read by the host's own dpkg-deb: mmdebstrap has brought it. */
export async function readControl(deb: string, host: Host): Promise<string> {
  return `${(await host.run({ file: 'dpkg-deb', args: ['--field', deb] })).stdout.trimEnd()}\n`;
}

/** Paragraphs of control files, of package lists, or of dpkg's status. */
export function parseControls(text: string): readonly PackageControl[] {
  return parseStanzas(text).flatMap((stanza): PackageControl[] => {
    const name = stanza.get('Package');
    if (name === undefined) return [];
    return [
      {
        name,
        isEssential: stanza.get('Essential') === 'yes',
        installedBytes: Number(stanza.get('Installed-Size') ?? 0) * 1024,
        provides: relationNames(stanza.get('Provides')).flat(),
        depends: [...relationNames(stanza.get('Pre-Depends')), ...relationNames(stanza.get('Depends'))],
      },
    ];
  });
}
