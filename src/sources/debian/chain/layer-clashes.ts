import type { Problem } from '../../../errors.js';
import type { TarEntry, TarTree } from '../../../formats/tar/tar-tree.js';
import { applyLayer } from '../../../formats/tar/tree-difference.js';
import type { ChainLayerTree } from './layer-files.js';

/** How messages call what is at a path. */
const KINDS: Readonly<Record<TarEntry['type'], string>> = {
  '0': 'file',
  '2': 'link',
  '3': 'device',
  '4': 'device',
  '5': 'folder',
  '6': 'pipe',
};

/**
 * A layer of files only was made without the layers below it: a folder of it over their file or link would hide what
 * they have there. Code: `overlay-type-differs`.
 */
export async function typeClash(layers: readonly ChainLayerTree[]): Promise<readonly Problem[]> {
  let below: TarTree = new Map();
  const problems: Problem[] = [];
  for (const layer of layers) {
    const content = await layer.content();
    // What replaces something on purpose says so: a package, or a program that ran in the tree.
    if (content.counts.changed + content.counts.removed === 0)
      problems.push(...clashes(layer.name, content.entries, below));
    below = applyLayer(below, content);
  }
  return problems;
}

function clashes(name: string, entries: TarTree, below: TarTree): Problem[] {
  return [...entries].flatMap(([path, { type }]): Problem[] => {
    const was = below.get(path);
    if (was === undefined || was.type === type || (was.type !== '5' && type !== '5')) return [];
    const shown = Buffer.from(path, 'latin1').toString();
    const message = `the layer "${name}" has a ${KINDS[type]} /${shown}, and the layers below it have a ${KINDS[was.type]} there`;
    const hint = 'Write the path that a link leads to, or give it another name.';
    return [{ code: 'overlay-type-differs', message, hint }];
  });
}
