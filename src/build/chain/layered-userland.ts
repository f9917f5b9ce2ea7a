import { UserError } from '../../errors.js';
import type { LayersRoot } from '../../model/image-spec.js';
import { valueNode } from '../../pipeline/graph.js';
import { flavourPackages } from '../../sources/kernel/kernel-flavour.js';
import { packageConflicts } from '../../sources/software/software-conflicts.js';
import type { Tree } from '../../tools/tree.js';
import type { BuildRequest } from '../build-request.js';
import type { DebianRequest } from '../debian/debian-request.js';
import { seedChecks } from '../debian/debian-userland.js';
import type { UserlandNodes, UserlandParts } from '../userland.js';
import type { ChainNodes } from './chain.js';
import { chainNodes } from './chain-nodes.js';
import { layerRequests } from './layer-requests.js';

/** A root of layers: each a tree over those below it, and an image. There is no tree of all of them. */
export async function layeredUserland(
  request: BuildRequest,
  debian: DebianRequest,
  root: LayersRoot,
  parts: UserlandParts,
): Promise<UserlandNodes & { readonly chain: ChainNodes }> {
  const layers = await layerRequests(root, debian, flavourPackages(request.spec.board));
  const chain = chainNodes(request, debian, root, layers, parts);
  return {
    ...seedChecks(request, parts),
    tree: valueNode({}, (): Tree => {
      throw new TypeError('a layered root has no tree of its own');
    }),
    chain,
    sources: chain.sources,
    async checkContent(runner) {
      if (debian.software.length === 0) return;
      const trees = await runner.run(chain.checked);
      const rootfs = await runner.run(chain.rootfs);
      await runner.beside(async () => {
        const lists = await Promise.all(trees.map((tree) => tree.owners()));
        const owners = lists.filter((one) => one !== undefined).at(-1) ?? (await rootfs.owners());
        const problems = packageConflicts(debian.software, owners);
        if (problems.length > 0) throw UserError.fromProblems(problems);
      });
    },
  };
}
