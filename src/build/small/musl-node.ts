import type { Architecture } from '../../model/architecture.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode } from '../../pipeline/graph.js';
import type { Packages } from '../../sources/debian/packages-of-image.js';
import type { MuslToolchain } from '../../sources/musl/toolchain.js';
import { MUSL_PACKAGE, muslToolchainStage } from '../../sources/musl/toolchain.js';
import type { ToolsTree } from '../../tools/tools-tree.js';

/** What the compiler of static programs is unpacked from. */
export const STATIC_PACKAGES: readonly string[] = [MUSL_PACKAGE];

/** The compiler of static programs. @param packages with those of STATIC_PACKAGES */
export function muslNode(
  architecture: Architecture,
  tools: Node<ToolsTree>,
  packages: Node<Packages>,
): Node<MuslToolchain> {
  return stageNode(muslToolchainStage, { tools, packages }, (made) => ({
    tools: made.tools,
    architecture,
    muslDev: made.packages.deb(MUSL_PACKAGE),
  }));
}
