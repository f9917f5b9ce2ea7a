import type { Host } from '../../host/host.js';
import { withStagedFiles } from '../../images/staged-files.js';
import type { Json } from '../../model/json.js';
import { sha256 } from '../../model/sha256.js';
import { archiveAsOf, keepArchiveAsOf } from '../../pipeline/archive-date.js';
import type { Node } from '../../pipeline/graph.js';
import { inOrder, stageNode } from '../../pipeline/graph.js';
import type { Reporter } from '../../pipeline/reporter.js';
import type { Runner } from '../../pipeline/runner.js';
import { withRunner } from '../../pipeline/runner.js';
import { Store } from '../../pipeline/store.js';
import { packageControlsStage } from '../../sources/debian/package-controls.js';
import { packageLockStage } from '../../sources/debian/package-lock.js';
import type { Packages } from '../../sources/debian/packages-of-image.js';
import type { LockedPackage } from '../../sources/debian/packages.js';
import type { SourcePackages } from '../../sources/debian/source-packages.js';
import { sourcePackagesStage } from '../../sources/debian/source-packages.js';
import { SUITE } from '../../tools/obtain-tools.js';
import { packagesOf } from '../../tools/tools-tree.js';
import type { BuildOptions } from '../build-options.js';
import type { BuildRequest } from '../build-request.js';
import { readBuildRequest } from '../build-request.js';
import { imageGraph } from '../image-graph.js';
import { imageTarget } from '../image-target.js';
import { askedBy } from './asked-by.js';
import { ownFiles, pinnedDownloads } from './lock-content.js';
import type { ImageLock, LockedDeb, LockedPackages } from './lock-file.js';
import type { AskedBy } from './reasons.js';
import { withReasons } from './reasons.js';
import { toolsDebs } from './tools-debs.js';

/**
 * What a build would take from elsewhere now, pinned by digest, each with why it is there. The packages of the image are
 * fetched for that; nothing of the image is made.
 *
 * Throws what reading the request and the stages of package lists throw.
 */
export async function makeLock(options: BuildOptions, host: Host, reporter: Reporter): Promise<ImageLock> {
  const request = await readBuildRequest({ ...options, askRootPassphrase: () => Promise.resolve('') });
  const store = new Store(host.facts.cacheDir, host);
  return withStagedFiles((staged) =>
    withRunner(host, store, reporter, options, async (runner) => {
      const asOf = await archiveAsOf(store, options.refresh);
      const surroundings = { hostArchitecture: host.facts.architecture, archiveAsOf: asOf, mirror: options.mirror };
      const graph = await imageGraph(request, imageTarget(request, staged, 'none'), surroundings, host);
      const nodes = inOrder(graph.all);
      const answers = nodes.filter((node) => isOf(node, packageLockStage)) as Node<Packages>[];
      const sources = nodes.filter((node) => isOf(node, sourcePackagesStage)) as Node<SourcePackages>[];
      runner.announce([graph.tools, ...answers, ...sources]);
      const parts = { runner, host, asked: askedBy(request, options), request };
      const packages = [];
      for (const node of answers) packages.push(await lockedAnswer(await runner.run(node), parts));
      await keepArchiveAsOf(store, asOf);
      const ofSources = [];
      for (const node of sources) ofSources.push(...lockedSources(await runner.run(node), packages[0]?.archives ?? []));
      const tools = await runner.run(graph.tools);
      const { debs, controls } = await toolsDebs(tools, host);
      const toolsAsked = new Map(packagesOf({}).map((name) => [name, ['tools of reswarm-os']]));
      return {
        format: 1 as const,
        version: request.version,
        board: request.spec.board.id,
        system: request.spec.system.id,
        options: recorded(options),
        hostArchitecture: host.facts.architecture,
        asOf,
        tools: {
          suite: SUITE,
          archives: packages[0]?.archives ?? [],
          debs: [...withReasons(debs, controls, toolsAsked)],
        },
        packages,
        sources: ofSources,
        downloads: [...pinnedDownloads(request)],
        files: [...ownFiles(request, sha256)],
      };
    }),
  );
}

type Parts = {
  readonly runner: Runner;
  readonly host: Host;
  readonly asked: AskedBy;
  readonly request: BuildRequest;
};

async function lockedAnswer(packages: Packages, { runner, asked, request }: Parts): Promise<LockedPackages> {
  const { sources } = packages;
  const lock = installsNothing(packages.request) ? { ...packages.lock, ...NOTHING } : packages.lock;
  const packageFiles = request.userland.from === 'debian' ? request.userland.packageFiles : [];
  const controls = await runner.run(
    stageNode(packageControlsStage, {}, () => ({ packages: lock.install, sources, packageFiles })),
  );
  const local = new Map(lock.install.filter((one) => one.local === true).map(({ name }) => [name, ['package file']]));
  return {
    request: packages.request as Record<string, Json> as LockedPackages['request'],
    archives: linesOf(packages.debianSources),
    suite: lock.suite,
    architecture: lock.architecture,
    install: [...withReasons(lock.install, controls, new Map([...asked, ...local]))],
    essential: [...lock.essential],
    twins: lock.twins.map((one) => because(one, `runs maintainer scripts of ${one.name} on the building machine`)),
    fetched: lock.fetched.map((one) => because(one, ...(asked.get(one.name) ?? ['unpacked by the build']))),
  };
}

const NOTHING = { install: [], twins: [], essential: [] };

/** Of a root that is no Debian apt is asked only what is unpacked: its essential packages are resolved, and not used. */
function installsNothing(request: Json): boolean {
  const { packages, packageFiles } = request as Readonly<Record<string, Json | undefined>>;
  return Array.isArray(packages) && packages.length === 0 && packageFiles === undefined;
}

function because(one: LockedPackage, ...why: readonly string[]): LockedDeb {
  return { ...one, why: [...why] };
}

function lockedSources({ all }: SourcePackages, archives: readonly string[]): ImageLock['sources'] {
  return all.map(({ name, version, files }) => ({
    name,
    version,
    files: files.map((file) => ({ ...file })),
    archives: [...archives],
    why: [`the image has ${name}, compiled statically`],
  }));
}

function isOf(node: Node<unknown>, stage: object): boolean {
  return node.kind === 'stage' && (node.stage as object) === stage;
}

function linesOf(sourcesList: string): string[] {
  return sourcesList.split('\n').filter((line) => line !== '');
}

/** What an update must ask for again. The seed is a device's, and changes no package. */
function recorded(options: BuildOptions): ImageLock['options'] {
  const { board, system, packages, overlays, docker, dockerImages = [], software = [], workload } = options;
  const lists = { packages, overlays, dockerImages, software };
  const given = Object.entries(lists).flatMap(([key, list]) => (list.length === 0 ? [] : [[key, [...list]] as const]));
  const { kernelFlavour, updateKeyring } = options;
  const words = Object.entries({ board, system, docker, workload, kernelFlavour, updateKeyring });
  return Object.fromEntries([...words.filter((entry) => entry[1] !== undefined), ...given]) as ImageLock['options'];
}
