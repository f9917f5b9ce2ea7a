import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IntegrityError, NetworkError } from '../../errors.js';
import type { Json } from '../../model/json.js';
import type { Stage, StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { Apt } from './apt.js';
import type { SourceFile } from './apt-output.js';
import { sourceFiles } from './apt-output.js';
import { archiveUris, poolUrls, sourceArchives } from './apt-sources.js';
import { mapParallel, PARALLEL_DOWNLOADS } from './debs.js';

/** A source package of Debian, pinned by the digests of its files; the one that ends in .dsc describes the others. */
export type SourcePackage = {
  readonly name: string;
  readonly version: string;
  readonly files: readonly SourceFile[];
  /** The sources.list of the archives that have it. */
  readonly sources: string;
};

export type SourcePackagesInput = {
  readonly tools: ToolsTree;
  /** Text of a sources.list with lines for binary packages; their archives are asked for source packages. */
  readonly sources: string;
  /** The archive is looked at once for this moment (ISO 8601), until a refresh is asked for. */
  readonly archiveAsOf: string;
  /** Names of source packages. */
  readonly packages: readonly string[];
};

/** The source packages of a build. */
export type SourcePackages = {
  readonly all: readonly LockedSource[];
  /** Throws TypeError for a package that nobody asked for. */
  source(name: string): SourcePackage;
};

/** A source package without the archives that have it. */
export type LockedSource = Omit<SourcePackage, 'sources'>;

/** What apt knows of source packages. Writes `sources.json`; nothing is downloaded but lists. */
export const sourcePackagesStage: Stage<SourcePackagesInput, SourcePackages> = {
  name: 'source-packages',
  version: 1,
  group: 'Package lists and seed',
  key: ({ sources, archiveAsOf, packages }) => ({ sources, archiveAsOf, packages: packages.toSorted() }),

  async open({ path }, { sources }) {
    const locked = JSON.parse(await readFile(join(path, 'sources.json'), 'utf8')) as readonly LockedSource[];
    return openSourcePackages(locked, sources);
  },

  async run({ tools, sources, packages }, out, { host, report, work, offline }) {
    if (offline) {
      throw new NetworkError('offline', 'The lists of source packages are not in the store, and --offline is given', {
        hints: ['Build once with the network; later builds find the resolved packages in the store.'],
      });
    }
    report.step('fetching lists of source packages');
    const places = { toolsRoot: tools.root, sources: sourceArchives(sources), repositories: [], mounts: [] };
    // Source packages are the same for every architecture, but apt wants to be told one.
    const apt = await Apt.open({ ...places, architecture: host.facts.architecture }, join(work, 'sources'), host);
    const locked: LockedSource[] = [];
    for (const name of packages.toSorted()) {
      const files = sourceFiles(await apt.sourceFiles(name), archiveUris(sources));
      locked.push({ name, version: versionOf(name, files), files });
    }
    await writeFile(join(out, 'sources.json'), JSON.stringify(locked, undefined, 1));
  },
};

/** @param sources the sources.list of the archives that have them */
export function openSourcePackages(all: readonly LockedSource[], sources: string): SourcePackages {
  return {
    all,
    source(name) {
      const found = all.find((one) => one.name === name);
      if (found === undefined) throw new TypeError(`${name} is not among the resolved source packages`);
      return { ...found, sources };
    },
  };
}

/** The name of the .dsc has the version without its epoch, which no file name has. */
function versionOf(name: string, files: readonly SourceFile[]): string {
  const version = new RegExp(`_([^_]+)\\.dsc$`).exec(dscOf(name, files))?.[1];
  if (version === undefined) throw new TypeError(`${dscOf(name, files)} has no version in its name`);
  return version;
}

function dscOf(name: string, files: readonly SourceFile[]): string {
  const dsc = files.find((file) => file.name.endsWith('.dsc'))?.name;
  if (dsc !== undefined) return dsc;
  throw new IntegrityError('source-package-incomplete', `The archive names no .dsc with a sha256 for ${name}`, {
    hints: ['Name another mirror with --mirror.'],
  });
}

/** What stands for a source package in the key of a stage. */
export function sourceKey({ name, files }: SourcePackage): Json {
  const digests = files.map((file) => [file.name, file.sha256] as const);
  return { name, files: Object.fromEntries(digests.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

/**
 * Fetches the files of a source package and unpacks them, Debian's patches applied, with the tools' own dpkg-source.
 * Throws NetworkError or IntegrityError of the download.
 *
 * @param into a folder that exists; the sources come into a new folder `source` in it
 * @param withoutPatches names in debian/patches of patches that are taken back
 */
export async function unpackSource(
  source: SourcePackage,
  into: string,
  tools: ToolsTree,
  context: StageContext,
  withoutPatches: readonly string[] = [],
): Promise<void> {
  const pool = await fetchSource(source, context);
  context.report.step(`unpacking ${source.name} ${source.version}`);
  const sandbox = {
    root: tools.root,
    mounts: [
      { source: pool, target: '/srv' },
      { source: into, target: '/mnt', writable: true },
    ],
  };
  // The digests come from a signed list; the signature in the .dsc would need the keys of all maintainers.
  const dsc = `/srv/${dscOf(source.name, source.files)}`;
  const unpack = ['--no-check', '--no-copy', '--extract', dsc, '/mnt/source'];
  await context.host.runIn(sandbox, { file: 'dpkg-source', args: unpack });
  for (const patch of withoutPatches) {
    const args = ['--reverse', '--strip=1', '--batch', '--directory=/mnt/source', `--input=debian/patches/${patch}`];
    await context.host.runIn(sandbox, { file: 'patch', args });
  }
}

/** Gives the folder in which all files of the package lie under their names. */
async function fetchSource(source: SourcePackage, { host, report, shared }: StageContext): Promise<string> {
  report.step(`fetching the source of ${source.name}`);
  const pool = join(shared.downloads, 'sources', source.name);
  await mkdir(pool, { recursive: true });
  const total = source.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  await mapParallel(source.files, PARALLEL_DOWNLOADS, async ({ name, filename, sha256, sizeBytes }) => {
    await host.download({ urls: poolUrls(source.sources, filename), sha256, sizeBytes, path: join(pool, name) });
    done += sizeBytes;
    report.progress({ done, total, unit: 'bytes', text: name });
  });
  return pool;
}
