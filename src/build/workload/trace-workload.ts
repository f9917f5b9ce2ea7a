import { join, resolve } from 'node:path';
import { findBoard } from '../../config/listing/boards.js';
import { findWorkload } from '../../config/listing/workloads.js';
import { configPlaces } from '../../config/places.js';
import { UserError } from '../../errors.js';
import { formatFileList } from '../../formats/file-list.js';
import type { Host } from '../../host/host.js';
import { replaceFile } from '../../host/replace-file.js';
import type { Architecture } from '../../model/architecture.js';
import type { Board } from '../../model/board.js';
import { defaultMachine } from '../../model/qemu.js';
import type { Workload } from '../../model/workload.js';
import { listPath } from '../../model/workload.js';
import { sourceDateEpoch } from '../../model/source-date-epoch.js';
import { stageNode, stepNode, valueNode } from '../../pipeline/graph.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { kernelStage } from '../../sources/kernel/kernel.js';
import { commandProblems } from '../../sources/workload/check-command.js';
import { packagesOfFiles } from '../../sources/workload/file-origins.js';
import { minimalTree } from '../../sources/workload/minimal-tree.js';
import type { WholeWorkload } from '../../sources/workload/prepare-workload.js';
import { readList, wholeWorkload } from '../../sources/workload/prepare-workload.js';
import { traceDiskStage } from '../../sources/workload/trace-disk.js';
import type { TracedFiles } from '../../sources/workload/traced-files.js';
import { tracedFiles } from '../../sources/workload/traced-files.js';
import type { UnpackedPackages } from '../../sources/workload/unpacked-packages.js';
import { obtainQemuTree } from '../../tools/obtain-tools.js';
import type { KernelOptions, PreparedKernel } from '../kernel/prepare-kernel.js';
import { withKernel } from '../kernel/prepare-kernel.js';
import { lockNode, OWN_SUITE } from '../debian-nodes.js';
import { muslNode, STATIC_PACKAGES } from '../small/musl-node.js';
import { blamePackages } from './blame-packages.js';
import { watchWorkload } from './trace-machine.js';
import { workloadNodes } from './workload-nodes.js';

export type TraceOptions = KernelOptions & {
  /** Id or path. */
  readonly workload: string;
  /** Where the list goes instead of where the workload says. */
  readonly output?: string | undefined;
  /** Globs: lines "+ GLOB" and "- GLOB" that the list gets. */
  readonly keep: readonly string[];
  readonly drop: readonly string[];
};

export type TracedWorkload = {
  readonly workload: string;
  readonly architecture: Architecture;
  /** Path of the list. */
  readonly list: string;
  readonly files: number;
  /** Sum of the sizes of all listed files. */
  readonly sizeBytes: number;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  /** Paths that only the trace saw: read by name, by no library's wish. */
  readonly onlyTraced: readonly string[];
  /** Paths that only the ELF closure names. */
  readonly onlyNeeded: readonly string[];
  /** Libraries that are needed and that no package has. */
  readonly missing: readonly { readonly name: string; readonly needed: string }[];
};

/**
 * Boots a workload with all of its packages, watches which files it uses while it passes its check and its exercise, and
 * writes the list. Throws UserError `workload-list-unnamed`, what `watchWorkload`, `commandProblems` and the stages throw.
 */
export async function traceWorkload(options: TraceOptions, host: Host, reporter: Reporter): Promise<TracedWorkload> {
  const places = configPlaces(options.projectDir, options.workingFolder);
  const { workload } = await findWorkload(options.workload, places);
  const { board } = await findBoard(options.board, places);
  return withKernel({ ...options, ...smallKernel(board) }, host, reporter, async (prepared) => {
    const { architecture } = prepared.board;
    const list = outputOf(workload, options, architecture);
    const before = await readList(workload, architecture);
    const { whole, packages, lines } = await watch(workload, prepared, options, host, reporter);
    const traced = await tracedFiles(lines, { whole, workload, architecture });
    const owned = packagesOfFiles(traced.files, packages);
    const byHand = [
      ...(before?.list.byHand ?? []),
      ...options.keep.map((glob) => ({ sign: '+' as const, glob, comments: [] })),
      ...options.drop.map((glob) => ({ sign: '-' as const, glob, comments: [] })),
    ];
    const text = formatFileList(headerOf(workload, architecture, owned), traced.paths, unique(byHand));
    await replaceFile(list, 0o644, (file) => file.writeFile(text));
    return { workload: workload.id, architecture, list, ...sums(traced), packages: owned };
  });
}

/** Where a board has a small kernel, that one is watched: it is compiled sooner, and minimal systems run on it. */
function smallKernel({ kernel }: Board): { readonly profile?: string } {
  return Object.hasOwn(kernel.profiles, SMALL) ? { profile: SMALL } : {};
}

const SMALL = 'tiny';

function sums({ files, onlyTraced, onlyNeeded, missing }: TracedFiles) {
  const sizeBytes = files.reduce((sum, file) => sum + (file.type === 'file' ? file.sizeBytes : 0), 0);
  return { files: files.length, sizeBytes, onlyTraced, onlyNeeded, missing };
}

/** The same line twice says nothing more. */
function unique<Line extends { readonly sign: string; readonly glob: string }>(lines: readonly Line[]): Line[] {
  return lines.filter((line, index) => {
    return lines.findIndex(({ sign, glob }) => sign === line.sign && glob === line.glob) === index;
  });
}

function outputOf(workload: Workload, { output, workingFolder }: TraceOptions, architecture: string): string {
  if (output !== undefined) return resolve(workingFolder, output);
  if (workload.list !== undefined) return listPath(workload.list, architecture);
  const problem = {
    code: 'workload-list-unnamed',
    message: `the workload ${workload.id} does not say where its list goes`,
    hint: `Add "list: ./${workload.id}.{architecture}.list" to it, or name a file with --output.`,
    ...workload.at.list,
  };
  throw UserError.fromProblems([problem]);
}

function headerOf({ id }: Workload, architecture: string, packages: TracedWorkload['packages']): readonly string[] {
  return [
    `# Files of the workload ${id} for ${architecture}, written by \`reswarm-os workload trace\`.`,
    '# Lines of your own begin with + or - and are kept when it is written again.',
    ...packages.map(({ name, version }) => `# ${name} ${version}`),
  ];
}

type Watched = {
  readonly whole: WholeWorkload;
  readonly packages: UnpackedPackages;
  readonly lines: readonly string[];
};

async function watch(
  workload: Workload,
  { board, runner, tools, input, surroundings }: PreparedKernel,
  options: TraceOptions,
  host: Host,
  reporter: Reporter,
): Promise<Watched> {
  const { architecture } = board;
  const initFolder = join(options.projectDir, 'native/minimal-init');
  const compiler = lockNode({ board, suite: OWN_SUITE, packages: [], fetched: STATIC_PACKAGES }, tools, surroundings);
  const toolchain = muslNode(architecture, tools, compiler);
  const nodes = await workloadNodes(workload, architecture, { tools, toolchain, surroundings, initFolder });
  const kernel = stageNode(kernelStage, { input }, (made) => made.input);
  const whole = valueNode({ packages: nodes.packages, compiled: nodes.compiled }, (made) =>
    wholeWorkload({ workload, architecture, ...made }),
  );
  const tree = valueNode({ whole, packages: nodes.packages, init: nodes.init }, (made) => {
    const { tree: everything, own, settings } = made.whole;
    const files = [...everything.files].sort((a, b) => (a.path < b.path ? -1 : 1));
    const epoch = sourceDateEpoch(options.sourceDateEpoch);
    const { packages, init } = made;
    return minimalTree({ packages, files, own, whole: everything, settings, init, sourceDateEpoch: epoch });
  });
  const disk = stepNode(traceDiskStage, { tools, tree }, (made) => made);
  runner.announce([nodes.packages, nodes.init, nodes.compiled, kernel, disk]);
  const packages = await blamePackages(workload, architecture, () => runner.run(nodes.packages));
  const everything = await runner.run(whole);
  const problems = await commandProblems(workload, everything.tree, architecture);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const [made, path] = await Promise.all([runner.run(kernel), runner.make(disk)]);
  const root = await qemuRoot(architecture, (await runner.run(tools)).root, options, host, reporter);
  const machine = { architecture, qemu: root, kernel: made.image, disk: path };
  const started = performance.now();
  reporter.emit({ type: 'stage-started', stage: TRACE });
  const onStep = (text: string): void => {
    reporter.emit({ type: 'stage-step', stage: TRACE, text });
  };
  const lines = await runner.beside((ours) => watchWorkload(machine, workload, ours, onStep));
  const durationMs = Math.round(performance.now() - started);
  reporter.emit({ type: 'stage-finished', stage: TRACE, cached: false, durationMs, key: '' });
  return { whole: everything, packages, lines };
}

const TRACE = 'workload-trace';

/** The tools have the QEMU of arm64; the PC's is in a tree of its own. */
async function qemuRoot(
  architecture: Architecture,
  tools: string,
  { mirror, offline }: TraceOptions,
  host: Host,
  reporter: Reporter,
): Promise<string> {
  if (defaultMachine(architecture).architecture !== 'amd64') return tools;
  return (await obtainQemuTree({ mirror, offline }, host, reporter)).root;
}
