import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NetworkError, UserError } from '../../errors.js';
import type { PinnedPackageFile, PinnedRepository } from '../../model/packages.js';
import type { Stage } from '../../pipeline/stage.js';
import { together } from '../../pipeline/together.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { Apt, inOrder } from './apt.js';
import { dependents, simulatedInstalls, twinsOf } from './apt-output.js';
import { withComponents } from './apt-sources.js';
import { needsNative, programKind } from './native-programs.js';
import { packageFileMounts, pathInSandbox, readPackageFiles } from './package-files.js';
import type { PackageLock } from './packages.js';
import type { Packages } from './packages-of-image.js';
import { openPackages } from './packages-of-image.js';

export type PackageLockInput = {
  readonly tools: ToolsTree;
  readonly suite: string;
  /** Of the image. */
  readonly architecture: string;
  readonly hostArchitecture: string;
  /** Text of a sources.list; `readAptSources` has the tools tree's. */
  readonly sources: string;
  /** The archive is looked at once for this moment (ISO 8601), until a refresh is asked for. */
  readonly archiveAsOf: string;
  /** To install; the essential packages and everything that is depended on come by themselves. */
  readonly packages: readonly string[];
  /** To unpack at build time only, without what they depend on. */
  readonly fetched: readonly string[];
  /** A package that depends on the newest of Debian's kernels, which is unpacked at build time only: `linux-image-arm64`. */
  readonly kernelImage?: string;
  /** Names of packages that must not be installed. */
  readonly without?: readonly string[];
  readonly packageFiles?: readonly PinnedPackageFile[];
  readonly repositories?: readonly PinnedRepository[];
};

/** No part where nothing is wished for: what lies in stores stays valid. */
function wishes({ kernelImage, without = [], packageFiles = [], repositories = [] }: Partial<PackageLockInput>) {
  return {
    ...(kernelImage === undefined ? {} : { kernelImage }),
    ...(without.length === 0 ? {} : { without: without.toSorted() }),
    ...(packageFiles.length === 0 ? {} : { packageFiles: packageFiles.map(({ sha256 }) => sha256).toSorted() }),
    ...(repositories.length === 0
      ? {}
      : {
          repositories: repositories.map(({ name, url, suite, components, keySha256 }) => {
            return { name, url, suite, components: [...components], keySha256 };
          }),
        }),
  };
}

/** What apt decides for the image, pinned by digest. Writes `lock.json`; nothing is downloaded but package lists. */
export const packageLockStage: Stage<PackageLockInput, Packages> = {
  name: 'package-lock',
  version: 1,
  group: 'Package lists and seed',
  key: ({ suite, architecture, hostArchitecture, sources, archiveAsOf, packages, fetched, ...more }) => ({
    suite,
    architecture,
    hostArchitecture,
    sources,
    archiveAsOf,
    packages: packages.toSorted(),
    fetched: fetched.toSorted(),
    ...wishes(more),
  }),
  open: async ({ path }, { sources, ...wishes }) => openPackages(await readPackageLock(path), sources, wishes),

  async run(input, out, { host, report, work, offline }) {
    if (offline) {
      throw new NetworkError('offline', 'The package lists are not in the store, and --offline forbids to fetch them', {
        hints: ['Build once with the network; later builds find the resolved packages in the store.'],
      });
    }
    const { tools, architecture, sources } = input;
    const { without = [], packageFiles = [], repositories = [] } = input;
    const local = await readPackageFiles(packageFiles, architecture, tools.root, host);
    report.step('fetching package lists');
    const wantsTwins = architecture !== input.hostArchitecture && programKind(input.hostArchitecture) !== undefined;
    const places = {
      toolsRoot: tools.root,
      architecture,
      sources,
      repositories,
      mounts: packageFileMounts(packageFiles),
    };
    // Only Debian is asked for programs of the host's architecture: other repositories need not have it.
    const twinPlaces = { ...places, architecture: input.hostArchitecture, repositories: [], mounts: [] };
    const [image, twin] = await together([
      Apt.open(places, join(work, 'image'), host),
      wantsTwins ? Apt.open(twinPlaces, join(work, 'twin'), host) : undefined,
    ]);

    report.step('resolving packages');
    const essential = simulatedInstalls(await image.simulateInstall(['?essential'])).map(({ name }) => name);
    const words = ['?essential', ...input.packages, ...packageFiles.map(pathInSandbox)];
    const wanted = simulatedInstalls(await installWithout(image, words, without));
    const isLocal = ({ name, version }: { name: string; version: string }): boolean =>
      local.some((one) => one.name === name && one.version === version);
    const install = inOrder(
      [
        ...(await image.show(wanted.filter((one) => !isLocal(one)).map(({ name, version }) => `${name}=${version}`))),
        ...local.filter((one) => wanted.some(({ name, version }) => one.name === name && one.version === version)),
      ],
      wanted.map(({ name }) => name),
    );
    const kernelImage = input.kernelImage === undefined ? undefined : await image.kernelBehind(input.kernelImage);
    const unpacked = [...input.fetched, ...(kernelImage === undefined ? [] : [kernelImage])];
    const fetched = unpacked.length === 0 ? [] : await image.showAll(unpacked);
    const native = install
      .filter((one) => one.local !== true && one.architecture !== 'all' && needsNative(one))
      .map(({ name }) => name);
    const lock: PackageLock = {
      suite: input.suite,
      architecture: input.architecture,
      install,
      essential,
      twins: twin === undefined ? [] : twinsOf(install, await twin.show(native)),
      fetched,
      ...(kernelImage === undefined ? {} : { kernelImage }),
    };
    await writeFile(join(out, 'lock.json'), JSON.stringify(lock, undefined, 1));
  },
};

/** apt's simulation with packages that must stay away. Throws UserError `package-needed` with who needs one of them. */
async function installWithout(apt: Apt, words: readonly string[], without: readonly string[]): Promise<string> {
  if (without.length === 0) return apt.simulateInstall(words);
  const { output, possible } = await apt.trySimulate([...words, ...without.map((name) => `${name}-`)]);
  if (possible && missingFrom(output.stdout, without)) return output.stdout;
  const all = simulatedInstalls(await apt.simulateInstall(words));
  const stanzas = await apt.stanzas(all.map(({ name, version }) => `${name}=${version}`));
  throw UserError.fromProblems(
    without
      .filter((name) => all.some((one) => one.name === name))
      .map((name) => ({
        code: 'package-needed',
        message: `${name} cannot be left out: ${neededBy(name, stanzas)}`,
        hint: 'Leave out what needs it too, or put something in its place that provides the same.',
      })),
  );
}

function missingFrom(output: string, without: readonly string[]): boolean {
  return !simulatedInstalls(output).some(({ name }) => without.includes(name));
}

function neededBy(name: string, stanzas: string): string {
  const needing = dependents(name, stanzas);
  if (needing.length === 0) return 'it is essential';
  return `${needing.slice(0, 5).join(', ')} ${needing.length === 1 ? 'needs' : 'need'} it`;
}

async function readPackageLock(out: string): Promise<PackageLock> {
  return JSON.parse(await readFile(join(out, 'lock.json'), 'utf8')) as PackageLock;
}

/** The archives that the tools tree came from, firmware of radios and boards included. */
export async function readAptSources(tools: ToolsTree): Promise<string> {
  const etc = join(tools.root, 'etc/apt');
  const parts = (await readdir(join(etc, 'sources.list.d'))).filter((name) => name.endsWith('.list')).toSorted();
  const files = [join(etc, 'sources.list'), ...parts.map((name) => join(etc, 'sources.list.d', name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return withComponents(texts.join('\n'), ['non-free-firmware']);
}
