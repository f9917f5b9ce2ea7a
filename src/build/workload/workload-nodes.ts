import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Architecture } from '../../model/architecture.js';
import type { Workload } from '../../model/workload.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import { withBackports } from '../../sources/debian/apt-sources.js';
import type { MuslToolchain } from '../../sources/musl/toolchain.js';
import type { BuiltProgram } from '../../sources/workload/minimal-tree.js';
import type { StaticProgram } from '../../sources/musl/static-programs.js';
import { staticProgramsStage } from '../../sources/musl/static-programs.js';
import type { UnpackedPackages } from '../../sources/workload/unpacked-packages.js';
import { unpackedPackagesStage } from '../../sources/workload/unpacked-packages.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { Surroundings } from '../debian-nodes.js';
import { answerNode, OWN_SUITE, wantsBackports } from '../debian-nodes.js';
import { pinPackages } from '../debian/read-packages.js';

/** What a workload is made from, for one architecture. */
export type WorkloadNodes = {
  readonly packages: Node<UnpackedPackages>;
  readonly init: Node<BuiltProgram>;
  /** Path of each program of `compile`, by its target. */
  readonly compiled: Node<ReadonlyMap<string, string>>;
};

const NO_PACKAGES: UnpackedPackages = { key: '', files: [], packages: new Map() };

/** What a workload's nodes build on. */
type WorkloadParts = {
  readonly tools: Node<ToolsTree>;
  readonly toolchain: Node<MuslToolchain>;
  readonly surroundings: Surroundings;
  readonly initFolder: string;
};

/** The nodes of a workload; `initFolder` has the C files of the init. */
export async function workloadNodes(
  workload: Workload,
  architecture: Architecture,
  { tools, toolchain, surroundings, initFolder }: WorkloadParts,
): Promise<WorkloadNodes> {
  const ours: StaticProgram = { name: 'minimal-init', sources: await sourcesIn(initFolder) };
  const theirs = await Promise.all(
    workload.programs.map(async ({ source, target, at }): Promise<StaticProgram> => {
      return { name: target, sources: [{ path: source, sha256: await fileSha256(source) }], at };
    }),
  );
  const inits = stageNode(staticProgramsStage, { toolchain }, (made) => ({ ...made, programs: [ours] }));
  return {
    packages: await packagesNode(workload, architecture, tools, surroundings),
    init: valueNode({ inits }, async ({ inits: { key, paths } }) => {
      const path = paths.get(ours.name) ?? '';
      return { key, path, sizeBytes: (await stat(path)).size };
    }),
    compiled:
      theirs.length === 0
        ? valueNode({}, () => new Map<string, string>())
        : valueNode(
            { made: stageNode(staticProgramsStage, { toolchain }, (made) => ({ ...made, programs: theirs })) },
            ({ made }) => made.paths,
          ),
  };
}

async function sourcesIn(folder: string): Promise<StaticProgram['sources']> {
  const names = (await readdir(folder)).filter((name) => /\.[ch]$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => ({ path: join(folder, name), sha256: await fileSha256(join(folder, name)) })),
  );
}

/** Resolved and verified by apt like all packages, with the essential ones, as programs expect a whole system. */
async function packagesNode(
  workload: Workload,
  architecture: Architecture,
  tools: Node<ToolsTree>,
  surroundings: Surroundings,
): Promise<Node<UnpackedPackages>> {
  const { packages, packageFiles: files } = workload;
  if (packages.length + files.length === 0) return valueNode({}, () => NO_PACKAGES);
  const { wishes, problems } = await pinPackages(files, workload.repositories);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  // No script runs, so no program of the host's architecture is needed beside.
  const question = { suite: OWN_SUITE, architecture, hostArchitecture: architecture, packages, fetched: [], ...wishes };
  const sourcesOf = (archives: string): string =>
    wantsBackports(packages) ? withBackports(archives, OWN_SUITE) : archives;
  const locked = answerNode(question, sourcesOf, tools, surroundings);
  return stageNode(unpackedPackagesStage, { tools, locked }, ({ tools: made, locked: { lock, sources } }) => ({
    tools: made,
    packages: lock.install,
    sources,
    packageFiles: wishes.packageFiles,
  }));
}
