import type { RootArchive } from '../boot/boot-method.js';
import type { Volume } from '../filesystems/volume.js';
import type { Node } from '../pipeline/graph.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { Tree } from '../tools/tree.js';
import type { BuildRequest } from './build-request.js';

/** The archive of a root that lives in memory; undefined for one on a partition. */
export function rootArchiveNodes(
  { spec: { root } }: BuildRequest,
  _tools: Node<ToolsTree>,
  _tree: Node<Tree>,
): { readonly volume: Node<Volume>; readonly archive: Node<RootArchive> } | undefined {
  if (root.kind === 'partition') return undefined;
  throw new TypeError('archives are not wired yet');
}
