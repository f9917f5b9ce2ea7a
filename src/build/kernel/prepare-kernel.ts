import { join } from 'node:path';
import { findBoard } from '../../config/listing/boards.js';
import { UserError } from '../../errors.js';
import type { Board, KernelFlavour } from '../../model/board.js';
import { DEBIANS_KERNEL } from '../../model/board.js';
import { sourceDateEpoch } from '../../model/source-date-epoch.js';
import type { Host } from '../../host/host.js';
import { archiveAsOf, keepArchiveAsOf } from '../../pipeline/archive-date.js';
import type { Node } from '../../pipeline/graph.js';
import { valueNode } from '../../pipeline/graph.js';
import type { Reporter } from '../../pipeline/reporter.js';
import type { Runner } from '../../pipeline/runner.js';
import { withRunner } from '../../pipeline/runner.js';
import { Store } from '../../pipeline/store.js';
import type { KernelInput } from '../../sources/kernel/kernel-build.js';
import { withFlavour } from '../../sources/kernel/kernel-flavour.js';
import { withProfile } from '../../sources/kernel/kernel-profile.js';
import { readFragments, readPatches } from '../../sources/kernel/kernel-request.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { Surroundings } from '../debian-nodes.js';
import { kernelPackages, lockNode, OWN_SUITE, toolsNode } from '../debian-nodes.js';
import { kernelInput } from '../hardware-nodes.js';

/** What the user asks for; paths that were typed begin at `workingFolder`. */
export type KernelOptions = {
  /** Board id or path. */
  readonly board: string;
  /** Instead of the board's own. */
  readonly flavour?: KernelFlavour | undefined;
  /** One of the board's profiles, instead of its own kernel. */
  readonly profile?: string | undefined;
  readonly projectDir: string;
  readonly workingFolder: string;
  readonly jobs: number;
  readonly offline: boolean;
  readonly mirror?: string | undefined;
  readonly sourceDateEpoch?: string | undefined;
};

/** A board's kernel, ready to be configured or compiled: key for key the same as a build's. */
export type PreparedKernel = {
  readonly board: Board;
  readonly runner: Runner;
  readonly tools: Node<ToolsTree>;
  /** What the stages `kernel` and `kernel-config` are given. */
  readonly input: Node<KernelInput>;
  readonly surroundings: Surroundings;
};

/** A board's kernel for the time of `use`; of Debian only its source package is resolved. */
export async function withKernel<T>(
  options: KernelOptions,
  host: Host,
  reporter: Reporter,
  use: (kernel: PreparedKernel) => Promise<T>,
): Promise<T> {
  const boardsDir = join(options.projectDir, 'boards');
  const found = await findBoard(options.board, { boardsDir, cwd: options.workingFolder });
  requireSources(found.board);
  const flavoured = await withFlavour(found.board, options.flavour, boardsDir);
  const board = withProfile(flavoured, options.profile);
  const request = {
    spec: { board },
    fragments: await readFragments(board),
    patches: await readPatches(board),
    sourceDateEpoch: sourceDateEpoch(options.sourceDateEpoch),
  };
  const store = new Store(host.facts.cacheDir, host);
  return withRunner(host, store, reporter, options, async (runner) => {
    const asOf = await archiveAsOf(store, false);
    const surroundings = { hostArchitecture: host.facts.architecture, archiveAsOf: asOf, mirror: options.mirror };
    const tools = toolsNode(surroundings);
    const lock = { board, suite: OWN_SUITE, packages: [], fetched: kernelPackages(board) };
    const packages = lockNode(lock, tools, surroundings);
    await runner.run(packages);
    await keepArchiveAsOf(store, asOf);
    const input = valueNode({ tools, packages }, (made) => kernelInput(request, made.tools, made.packages));
    return use({ board, runner, tools, input, surroundings });
  });
}

/** Throws UserError `kernel-not-compiled`: a kernel that Debian has compiled has no configuration of ours. */
function requireSources({ id, kernel }: Board): void {
  if (kernel.source !== DEBIANS_KERNEL) return;
  throw new UserError('kernel-not-compiled', `The kernel of the board ${id} is Debian's own: nothing is compiled`, {
    hints: ['Take "source: debian" out of its kernel, or name the board that it extends.'],
  });
}
