import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import type { Packages } from '../../sources/debian/packages-of-image.js';
import { unpackDeb } from '../../sources/debian/unpack-deb.js';
import { NETPLAN_PACKAGES, netplanGeneratorStage, type Netplan } from '../../tools/netplan-generator.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { Surroundings } from '../debian-nodes.js';

/** netplan of the image's version, as it runs here; undefined where the image has none, or none for this machine. */
export function netplanNode(
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
  { hostArchitecture }: Surroundings,
): Node<Netplan | undefined> {
  const folder = stageNode(netplanGeneratorStage, { tools, packages }, ({ tools, packages }) => {
    const found = NETPLAN_PACKAGES.flatMap((name) => packages.nativeDeb(name, hostArchitecture) ?? []);
    const debs = found.length === NETPLAN_PACKAGES.length ? found : [];
    return {
      debs,
      unpack: async (context) => {
        const folders: string[] = [];
        for (const deb of debs) folders.push(await unpackDeb(deb, tools, context));
        return folders;
      },
    };
  });
  return valueNode({ tools, folder }, ({ tools, folder }) =>
    folder === undefined ? undefined : { toolsRoot: tools.root, folder },
  );
}
