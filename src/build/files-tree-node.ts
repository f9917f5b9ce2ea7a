import type { Node } from '../pipeline/graph.js';
import { valueNode } from '../pipeline/graph.js';
import { treeDigest } from '../pipeline/tree-digest.js';
import { filesTree } from '../sources/files-tree.js';
import type { Tree } from '../tools/tree.js';
import type { AttributesOf } from './folder-attributes.js';

/** Nothing but folders, in this order. */
export function filesTreeNode(
  folders: readonly string[],
  sourceDateEpoch: number,
  attributes: Node<AttributesOf>,
): Node<Tree> {
  return valueNode({ attributes }, async (made) => {
    const copied = folders.map(async (path) => ({
      path,
      normaliseModes: false,
      digest: await treeDigest(path, 'all'),
      attributes: made.attributes.get(path),
    }));
    return filesTree(await Promise.all(copied), sourceDateEpoch);
  });
}
