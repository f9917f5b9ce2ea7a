import type { Host } from '../host/host.js';
import type { Node } from '../pipeline/graph.js';
import { valueNode } from '../pipeline/graph.js';
import { readFolderAttributes } from '../sources/overlay-attributes.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { BuildRequest } from './build-request.js';

/** By path of a folder: what stands for its file capabilities in a key. Folders without any are not in it. */
export type AttributesOf = ReadonlyMap<string, string>;

/** File capabilities of all folders of the user's; a program of the tools reads them. Throws as `readFolderAttributes`. */
export function attributesNode(
  { spec, userland }: BuildRequest,
  tools: Node<ToolsTree>,
  host: Host,
): Node<AttributesOf> {
  const ofData = Object.values(spec.trees).flatMap((tree) => (tree.from === 'files' ? tree.overlays : []));
  const folders = [...new Set([...userland.root.overlays, ...ofData])];
  if (folders.length === 0) return valueNode({}, () => new Map<string, string>());
  return valueNode({ tools }, async ({ tools: { root } }) => {
    const digests = new Map<string, string>();
    for (const folder of folders) {
      const { digest } = await readFolderAttributes(folder, root, host);
      if (digest !== undefined) digests.set(folder, digest);
    }
    return digests;
  });
}
