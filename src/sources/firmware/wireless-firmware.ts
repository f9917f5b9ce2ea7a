import { chmod, copyFile, lstat, mkdir, readdir, readlink, stat, symlink, utimes } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { didYouMean } from '../../config/wording.js';
import { matchesGlob } from '../../model/glob.js';
import { fetchDebs } from '../debian/debs.js';
import type { SourceDeb } from '../debian/packages.js';
import { UserError } from '../../errors.js';
import type { Made, Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { unpackDeb } from '../debian/unpack-deb.js';

const FIRMWARE = 'usr/lib/firmware';

export type WirelessFirmwareInput = {
  readonly tools: ToolsTree;
  readonly packages: readonly {
    readonly deb: SourceDeb;
    /** Paths below /usr/lib/firmware; `*` and `?` stand for anything but `/`. */
    readonly files: readonly string[];
  }[];
};

/**
 * What the board's wifi and Bluetooth chips load, out of packages for a hundred others: `out/usr/lib/firmware/…`, with
 * what symbolic links lead to, and each package's licence in `out/usr/share/doc/<package>/copyright`.
 *
 * Throws UserError `wireless-firmware-missing` when a package has nothing for one of the names.
 */
export const wirelessFirmwareStage: Stage<WirelessFirmwareInput, Made> = {
  name: 'wireless-firmware',
  version: 1,
  group: 'Firmware',
  open: (made) => made,
  key: ({ packages }) => ({
    packages: packages.map(({ deb, files }) => ({ name: deb.name, sha256: deb.sha256, files: [...files].sort() })),
  }),

  async run({ tools, packages }, out, context) {
    const [first] = packages;
    if (first !== undefined)
      await fetchDebs(
        packages.map(({ deb }) => deb),
        first.deb.sources,
        context,
      );
    for (const { deb, files } of packages) {
      context.report.step(`unpacking ${deb.name} ${deb.version}`);
      const tree = await unpackDeb(deb, tools, context);
      for (const path of await chooseFiles(tree, deb, files)) await copyEntry(tree, out, path);
      await copyEntry(tree, out, `usr/share/doc/${deb.name}/copyright`);
    }
  },
};

async function chooseFiles(tree: string, deb: SourceDeb, globs: readonly string[]): Promise<ReadonlySet<string>> {
  const known = await filesBelow(join(tree, FIRMWARE));
  const chosen = new Set<string>();
  for (const glob of globs) {
    const matches = known.filter((path) => matchesGlob(path, glob));
    if (matches.length === 0) throw nothingFor(glob, deb, known);
    for (const path of matches) await addWithTarget(tree, join(FIRMWARE, path), deb, chosen);
  }
  return chosen;
}

/** A link without what it leads to would be of no use to the kernel. */
async function addWithTarget(tree: string, path: string, deb: SourceDeb, chosen: Set<string>): Promise<void> {
  if (chosen.has(path)) return;
  const status = await lstat(join(tree, path)).catch(() => undefined);
  if (status === undefined || !path.startsWith(`${FIRMWARE}/`)) {
    throw nothingFor(path, deb, []);
  }
  chosen.add(path);
  if (!status.isSymbolicLink()) return;
  const target = await readlink(join(tree, path));
  const inTree = target.startsWith('/') ? target.slice(1) : join(dirname(path), target);
  await addWithTarget(tree, normalize(inTree), deb, chosen);
}

async function copyEntry(tree: string, out: string, path: string): Promise<void> {
  const source = join(tree, path);
  const target = join(out, path);
  await mkdir(dirname(target), { recursive: true });
  if ((await lstat(source)).isSymbolicLink()) {
    await symlink(await readlink(source), target);
    return;
  }
  await copyFile(source, target);
  await chmod(target, 0o644);
  const { mtime } = await stat(source);
  await utimes(target, mtime, mtime);
}

/** Files and links below a folder, as sorted relative paths. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function nothingFor(name: string, deb: SourceDeb, known: readonly string[]): UserError {
  const hint = didYouMean(name, known) ?? `"dpkg-deb --contents" of ${deb.name} lists what it has.`;
  return new UserError('wireless-firmware-missing', `${deb.name} ${deb.version} has no firmware file "${name}"`, {
    hints: [hint, 'The board definition names it under "wireless".'],
  });
}
