import type { Board } from '../model/board.js';
import { DEBIANS_KERNEL } from '../model/board.js';
import type { PinnedPackageFile, PinnedRepository } from '../model/packages.js';
import type { Node } from '../pipeline/graph.js';
import { stageNode } from '../pipeline/graph.js';
import { withBackports } from '../sources/debian/apt-sources.js';
import type { LayerPackages, PackageQuestion } from '../sources/debian/package-lock.js';
import { packageLockStage, packageRequest, readAptSources } from '../sources/debian/package-lock.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { SourcePackages } from '../sources/debian/source-packages.js';
import { sourcePackagesStage } from '../sources/debian/source-packages.js';
import { toolsTreeInput } from '../tools/obtain-tools.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolsTreeStage } from '../tools/tools-tree.js';
import type { LockInUse } from './lock/locked-nodes.js';
import { lockedPackages, lockedSources, lockedTools } from './lock/locked-nodes.js';

/** What a build takes from the machine that it runs on. */
export type Surroundings = {
  /** Debian's name of the host's architecture. */
  readonly hostArchitecture: string;
  /** The Debian archive is looked at as of this moment (ISO 8601, UTC). */
  readonly archiveAsOf: string;
  readonly mirror?: string | undefined;
  /** Instead of what the archive has: exactly what a lock file says. */
  readonly lock?: LockInUse | undefined;
};

export function toolsNode({ hostArchitecture, archiveAsOf, mirror, lock }: Surroundings): Node<ToolsTree> {
  if (lock !== undefined) return lockedTools(lock, hostArchitecture);
  return stageNode(toolsTreeStage, {}, () => toolsTreeInput(hostArchitecture, { archiveAsOf, mirror }));
}

/** Of packages that are taken from whatever the system is: sources of kernels, compilers, files of workloads. */
export const OWN_SUITE = 'trixie';

/** What is asked of the Debian archive for one image, or for a kernel alone. */
export type PackageRequest = {
  readonly board: Board;
  readonly suite: string;
  readonly packages: readonly string[];
  /** To unpack at build time only. */
  readonly fetched: readonly string[];
  /** Must not be installed. */
  readonly without?: readonly string[];
  readonly packageFiles?: readonly PinnedPackageFile[];
  readonly repositories?: readonly PinnedRepository[];
  /** Of a chain of layers: what each of them adds. */
  readonly layers?: readonly LayerPackages[];
};

export function lockNode(request: PackageRequest, tools: Node<ToolsTree>, surroundings: Surroundings): Node<Packages> {
  const { board, ...wanted } = request;
  const { hostArchitecture } = surroundings;
  const question = { ...wanted, ...kernelImage(board), architecture: board.architecture, hostArchitecture };
  return answerNode(question, (archives) => packageSources(request, archives), tools, surroundings);
}

/**
 * What apt answers, or what the lock of the build says.
 * @param sourcesOf the archives to ask, from those of the tools tree
 */
export function answerNode(
  question: PackageQuestion,
  sourcesOf: (archives: string) => string,
  tools: Node<ToolsTree>,
  { archiveAsOf, lock }: Surroundings,
): Node<Packages> {
  if (lock !== undefined) return lockedPackages(packageRequest(question), question, lock);
  return stageNode(packageLockStage, { tools }, async ({ tools }) => ({
    ...question,
    tools,
    archiveAsOf,
    sources: sourcesOf(await readAptSources(tools)),
  }));
}

/** Source packages of Debian, from the archives of `packages` or from the lock. */
export function sourcesNode(
  wanted: readonly string[],
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
  { archiveAsOf, lock }: Surroundings,
): Node<SourcePackages> {
  if (lock !== undefined) return lockedSources(wanted, lock);
  return stageNode(sourcePackagesStage, { tools, packages }, (made) => ({
    tools: made.tools,
    sources: made.packages.debianSources,
    archiveAsOf,
    packages: wanted,
  }));
}

/** Debian packages that the kernel is compiled from; a tarball is none. */
export function kernelPackages({ kernel }: Board): readonly string[] {
  return kernel.source === undefined ? [kernel.package] : [];
}

/** The package that leads to Debian's own kernel, where that is the board's. */
function kernelImage({ kernel: { source, debian } }: Board): { readonly kernelImage?: string } {
  return source === DEBIANS_KERNEL && debian !== undefined ? { kernelImage: debian.package } : {};
}

/** The archives of an image's packages: backports only where its kernel or a package comes from there. */
function packageSources({ board: { kernel }, suite, packages }: PackageRequest, sources: string): string {
  const ofKernel = kernel.source === undefined && kernel.suite !== suite;
  return ofKernel || wantsBackports(packages) ? withBackports(sources, suite) : sources;
}

/** A package is asked for as `name/trixie-backports`. */
export function wantsBackports(packages: readonly string[]): boolean {
  return packages.some((word) => word.includes('/') && word.endsWith('-backports'));
}
