import { link, mkdir, copyFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { IntegrityError } from '../../errors.js';
import type { Stage, StageContext } from '../../pipeline/stage.js';
import type { ToolsTree, ToolsTreeInput } from '../../tools/tools-tree.js';
import { mmdebstrapCommand, packagesOf, readToolsTree, runMmdebstrap, writeVersions } from '../../tools/tools-tree.js';
import { fetchDebs } from './debs.js';
import type { DebFile, LockedPackage } from './packages.js';
import { packageIndex } from './pool/package-index.js';

export type LockedToolsInput = Pick<ToolsTreeInput, 'architecture' | 'suite'> & {
  /** All packages of the tree. */
  readonly debs: readonly LockedPackage[];
  /** The sources.list of the archives that have them. */
  readonly sources: string;
};

/**
 * The tools tree from exactly these packages: they are made an archive of their own, and mmdebstrap sees no other one.
 * Throws what `fetchDebs` throws, and IntegrityError `tools-not-as-locked`.
 */
export const lockedToolsStage: Stage<LockedToolsInput, ToolsTree> = {
  name: 'locked-tools',
  version: 1,
  group: 'Tools',
  key: (input) => ({
    architecture: input.architecture,
    suite: input.suite,
    packages: [...packagesOf({})],
    debs: input.debs.map(({ sha256 }) => sha256).toSorted(),
  }),
  commands: (input) => [mmdebstrapCommand(input, 'TREE')],
  open: ({ path }) => readToolsTree(path),

  async run({ debs, sources, ...input }, out, context) {
    context.report.step('fetching the locked packages of the tools');
    const files = await fetchDebs(debs, sources, context);
    const archive = await makeArchive(files, context);
    context.report.step('unpacking Debian packages of the tools');
    const mirror = `deb [trusted=yes] copy://${archive} ./`;
    await runMmdebstrap(mmdebstrapCommand({ ...input, mirror }, join(out, 'tree')), {
      ...context,
      // Everything is on this machine by now.
      offline: false,
    });
    const versions = await writeVersions(out, context.host);
    const wrong = debs.filter(({ name, version }) => versions[name] !== version);
    const extra = Object.keys(versions).filter((name) => !debs.some((deb) => deb.name === name));
    if (wrong.length + extra.length === 0) return;
    throw new IntegrityError('tools-not-as-locked', 'The tools tree is not what the lock says', {
      details: [...wrong.map(({ name, version }) => `${name} ${version}`), ...extra],
      hints: ['The lock may be of another version of reswarm-os: make it again with `reswarm-os lock update`.'],
    });
  },
};

/** @returns the folder of a flat archive: packages beside their list */
async function makeArchive(debs: readonly DebFile[], { host, work }: StageContext): Promise<string> {
  const folder = join(work, 'archive');
  await mkdir(folder);
  for (const { path } of debs) {
    const place = join(folder, basename(path));
    await link(path, place).catch(() => copyFile(path, place));
  }
  await writeFile(join(folder, 'Packages'), await packageIndex(debs, ({ path }) => `./${basename(path)}`, host));
  return folder;
}
