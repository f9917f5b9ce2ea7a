import { join } from 'node:path';
import type { Board, KernelFlavour } from '../../model/board.js';
import type { Host } from '../../host/host.js';
import { archiveAsOf, keepArchiveAsOf } from '../../pipeline/archive-date.js';
import { Engine } from '../../pipeline/engine.js';
import type { Reporter } from '../../pipeline/reporter.js';
import type { StageContext } from '../../pipeline/stage.js';
import { Store } from '../../pipeline/store.js';
import type { KernelInput } from '../../sources/kernel/kernel.js';
import { readAptSources } from '../../sources/debian/package-lock.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { findBoard } from '../../config/boards/boards.js';
import * as inputs from '../build-inputs.js';
import { sourceDateEpoch } from '../build-request.js';
import { withFlavour } from '../../sources/kernel/kernel-flavour.js';
import { readFragments, readPatches } from '../../sources/kernel/kernel-request.js';
import { obtainPackages } from '../../sources/debian/packages-of-image.js';
import { obtainToolsTree } from '../../tools/obtain-tools.js';

/** What a person asks for; paths that were typed begin at `workingFolder`. */
export type KernelOptions = {
  /** Board id or path. */
  readonly board: string;
  /** Instead of the board's own. */
  readonly flavour?: KernelFlavour;
  readonly projectDir: string;
  readonly workingFolder: string;
  readonly jobs: number;
  readonly offline: boolean;
  readonly mirror?: string;
  readonly sourceDateEpoch?: string;
};

/** A board's kernel, ready to be configured or compiled. */
export type PreparedKernel = {
  readonly board: Board;
  readonly engine: Engine;
  readonly tools: ToolsTree;
  readonly archiveAsOf: string;
  readonly input: KernelInput;
  /** For `Engine.obtain`: brings the source package to this machine. */
  readonly fetch: (context: StageContext) => Promise<unknown>;
};

/** The same kernel as a build's, key for key; only its source package is resolved. */
export async function prepareKernel(options: KernelOptions, host: Host, reporter: Reporter): Promise<PreparedKernel> {
  const boardsDir = join(options.projectDir, 'boards');
  const found = await findBoard(options.board, { boardsDir, cwd: options.workingFolder });
  const board = await withFlavour(found.board, options.flavour, boardsDir);
  const request = {
    board,
    fragments: await readFragments(board),
    patches: await readPatches(board),
    sourceDateEpoch: sourceDateEpoch(options.sourceDateEpoch),
  };
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const engine = new Engine(host, store, reporter, options);
  const asOf = await archiveAsOf(store, false);
  const tools = await obtainToolsTree(engine, { archiveAsOf: asOf, mirror: options.mirror });
  const packages = await obtainPackages(engine, {
    tools,
    suite: board.rootfs.suite,
    architecture: board.architecture,
    hostArchitecture: host.facts.architecture,
    sources: inputs.packageSources(board, await readAptSources(tools)),
    archiveAsOf: asOf,
    packages: [],
    fetched: inputs.kernelPackages(board),
  });
  await keepArchiveAsOf(store, asOf);
  const input = inputs.kernel(request, tools, packages);
  return {
    board,
    engine,
    tools,
    archiveAsOf: asOf,
    input,
    fetch: packages.fetcher('url' in input.source ? [] : [input.source]),
  };
}
