import type { LayerContent } from './layer-file.js';

/** Paths in which two layers differ; what is taken away has a "whiteout " before it. */
export type LayerDiff = {
  readonly same: boolean;
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  /** In both, with other content, owner, mode or target. */
  readonly different: readonly string[];
};

export function compareLayers(first: LayerContent, second: LayerContent): LayerDiff {
  const [before, after] = [first.digests, second.digests];
  const onlyFirst = [...before.keys()].filter((path) => !after.has(path));
  const onlySecond = [...after.keys()].filter((path) => !before.has(path));
  const different = [...before].flatMap(([path, said]) => {
    const other = after.get(path);
    return other === undefined || other === said ? [] : [path];
  });
  return { same: first.sha256 === second.sha256, onlyFirst, onlySecond, different };
}
