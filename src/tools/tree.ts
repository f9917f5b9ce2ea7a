import type { Json } from '../model/json.js';
import type { TreeContent } from '../model/tree-content.js';
import type { StageContext } from '../pipeline/stage.js';
import type { ToolsTree } from './tools-tree.js';

/** Content for a volume: sources make trees, file systems take them. */
export interface Tree {
  /** What stands for every byte of it. */
  readonly key: Json;
  /** Where it is known before the tree is put together. */
  readonly content?: TreeContent;
  /** Puts the tree into `folder`, which is empty; programs of the tools tree may see that folder as they like. */
  assemble(folder: string, tools: ToolsTree, context: StageContext): Promise<void>;
}
