import type { Board } from '../model/board.js';
import { DEBIANS_KERNEL } from '../model/board.js';
import type { PinnedPackageFile, PinnedRepository } from '../model/packages.js';
import type { Node } from '../pipeline/graph.js';
import { stageNode } from '../pipeline/graph.js';
import { withBackports } from '../sources/debian/apt-sources.js';
import { packageLockStage, readAptSources } from '../sources/debian/package-lock.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import { toolsTreeInput } from '../tools/obtain-tools.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolsTreeStage } from '../tools/tools-tree.js';

/** What a build takes from the machine that it runs on. */
export type Surroundings = {
  /** Debian's name of the host's architecture. */
  readonly hostArchitecture: string;
  /** The Debian archive is looked at as of this moment (ISO 8601, UTC). */
  readonly archiveAsOf: string;
  readonly mirror?: string | undefined;
};

export function toolsNode({ hostArchitecture, archiveAsOf, mirror }: Surroundings): Node<ToolsTree> {
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
};

export function lockNode(
  request: PackageRequest,
  tools: Node<ToolsTree>,
  { hostArchitecture, archiveAsOf }: Surroundings,
): Node<Packages> {
  const { board, suite, packages, fetched, ...wishes } = request;
  return stageNode(packageLockStage, { tools }, async ({ tools }) => ({
    tools,
    suite,
    architecture: board.architecture,
    hostArchitecture,
    archiveAsOf,
    sources: packageSources(request, await readAptSources(tools)),
    packages,
    fetched,
    ...kernelImage(board),
    ...wishes,
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
