import { join } from 'node:path';
import { valueNode } from '../../pipeline/graph.js';
import { workloadTree } from '../../sources/workload/prepare-workload.js';
import type { BuildRequest } from '../build-request.js';
import type { UserlandNodes, UserlandParts } from '../userland.js';
import { workloadNodes } from './workload-nodes.js';
import type { WorkloadRequest } from './workload-request.js';

/** The files that one workload touches, and an init that starts it. No seed is read. */
export async function workloadUserland(
  request: BuildRequest,
  { workload, keep, drop }: WorkloadRequest,
  { tools, surroundings }: UserlandParts,
): Promise<UserlandNodes> {
  const { architecture } = request.spec.board;
  const initFolder = join(request.projectDir, 'native/minimal-init');
  const nodes = await workloadNodes(workload, architecture, { tools, surroundings, initFolder });
  const root = valueNode({ ...nodes }, ({ packages, init, compiled }) =>
    workloadTree(
      { workload, architecture, packages, compiled },
      { keep, drop, init, sourceDateEpoch: request.sourceDateEpoch },
    ),
  );
  return {
    tree: valueNode({ root }, ({ root: { tree } }) => tree),
    ofSeed: [],
    sources: [nodes.packages, nodes.init, nodes.compiled],
    checkSeed: () => Promise.resolve(),
    checkContent: () => Promise.resolve(),
  };
}
