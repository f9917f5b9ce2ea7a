import { join } from 'node:path';
import { valueNode } from '../../pipeline/graph.js';
import { workloadTree } from '../../sources/workload/prepare-workload.js';
import { fileOrigins } from '../../sources/workload/file-origins.js';
import type { BuildRequest } from '../build-request.js';
import { muslNode } from '../small/musl-node.js';
import type { UserlandNodes, UserlandParts } from '../userland.js';
import { reportWarnings } from '../report-warnings.js';
import { blamePackages } from './blame-packages.js';
import { workloadNodes } from './workload-nodes.js';
import type { WorkloadRequest } from './workload-request.js';

/** The files that one workload touches, and an init that starts it. No seed is read. */
export async function workloadUserland(
  request: BuildRequest,
  { workload, keep, drop }: WorkloadRequest,
  { tools, packages, surroundings }: UserlandParts,
): Promise<UserlandNodes> {
  const { architecture } = request.spec.board;
  const initFolder = join(request.projectDir, 'native/minimal-init');
  const toolchain = muslNode(architecture, tools, packages);
  const nodes = await workloadNodes(workload, architecture, { tools, toolchain, surroundings, initFolder });
  const root = valueNode({ ...nodes }, ({ packages, init, compiled }) =>
    workloadTree(
      { workload, architecture, packages, compiled },
      { keep, drop, init, sourceDateEpoch: request.sourceDateEpoch },
    ),
  );
  return {
    tree: valueNode({ root }, ({ root: { tree } }) => tree),
    origins: valueNode({ root, packages: nodes.packages }, async ({ root: { selection }, packages }) => {
      const files = await fileOrigins(selection.files, packages);
      const names = new Set(files.map((file) => file.package));
      return { files, packages: [...packages.packages.values()].filter(({ name }) => names.has(name)) };
    }),
    ofSeed: [],
    sources: [nodes.packages, nodes.init, nodes.compiled],
    async checkInputs(runner, reporter) {
      await blamePackages(workload, architecture, () => runner.run(nodes.packages));
      // Before a kernel is compiled: what is wrong with the list is known now.
      const { selection } = await runner.run(root);
      reportWarnings(selection.warnings, reporter);
    },
    checkContent: () => Promise.resolve(),
  };
}
