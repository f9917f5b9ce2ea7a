import type { Engine } from '../pipeline/engine.js';
import type { ToolsTree } from '../stages/tools-tree.js';
import { readToolsTree, toolsTreeStage } from '../stages/tools-tree.js';

/** The suite of the tools and of every image. */
export const SUITE = 'trixie';

/** The tools tree, from the store or made now. */
export async function obtainToolsTree(
  engine: Engine,
  options: { readonly archiveAsOf: string; readonly mirror?: string },
): Promise<ToolsTree> {
  const entry = await engine.obtain(toolsTreeStage, {
    architecture: engine.host.facts.architecture,
    suite: SUITE,
    archiveAsOf: options.archiveAsOf,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
  });
  return readToolsTree(entry.path);
}
