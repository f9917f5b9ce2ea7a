import { EXTRA_LAYER } from '../../model/chain-layer.js';
import type { Said } from '../said.js';
import type { ImageStatements } from '../statements/statements.js';
import type { ChainLayerStatements } from '../chain/chain-statements.js';

/** A chain with everything that goes into it, and the same as the statements of one root. */
export type WholeChain = {
  readonly layers: readonly ChainLayerStatements[];
  /** What all layers have together: packages, folders and software are checked on it. */
  readonly union: ImageStatements;
};

/**
 * The layers of a system and a board, with what the board and the command line say beside them in a layer on top. An
 * engine that is said there takes the place of that of the layers.
 *
 * @param beside statements of the board and the command line; packages of the system itself are refused
 */
export function wholeChain(files: ImageStatements, beside: ImageStatements): WholeChain {
  const { engine } = beside;
  const replaced = engine === undefined ? files.chain : files.chain.map((one) => withEngine(one, engine));
  const hasEngine = replaced.some((one) => one.engine !== undefined);
  const extra = extraLayer(beside, hasEngine ? undefined : engine);
  // A layer that had nothing but the engine that is not wanted any more.
  const kept = replaced.filter((one, index) => one === files.chain[index] || !isEmpty(one));
  const below = kept.filter(({ name }) => name.value !== EXTRA_LAYER);
  const own = kept.filter(({ name }) => name.value === EXTRA_LAYER);
  const layers = isEmpty(extra) ? kept : [...below, own.reduce(joinLayers, extra)];
  return { layers, union: unionOf(files, layers, hasEngine ? undefined : engine) };
}

export function isEmpty({ layers, engine, packages, packageFiles, ...rest }: ChainLayerStatements): boolean {
  const { overlays, containerImages, software } = rest;
  const lists = [layers, packages, packageFiles, overlays, containerImages, software];
  return engine === undefined && lists.every((list) => list.length === 0);
}

function withEngine(layer: ChainLayerStatements, engine: Said<string>): ChainLayerStatements {
  if (layer.engine === undefined) return layer;
  const { engine: replaced, ...rest } = layer;
  return engine.value === 'none' ? rest : { ...rest, engine: { ...engine, at: replaced.at } };
}

function extraLayer(beside: ImageStatements, engine: Said<string> | undefined): ChainLayerStatements {
  const { packages, packageFiles, overlays, containerImages, software } = beside;
  const brought = engine === undefined || engine.value === 'none' ? {} : { engine };
  const name = { value: EXTRA_LAYER, at: {} };
  return { name, layers: [], ...brought, packages, packageFiles, overlays, containerImages, software };
}

function joinLayers(above: ChainLayerStatements, below: ChainLayerStatements): ChainLayerStatements {
  return {
    ...below,
    ...above,
    name: below.name,
    layers: [...below.layers, ...above.layers],
    packages: [...below.packages, ...above.packages],
    packageFiles: [...below.packageFiles, ...above.packageFiles],
    overlays: [...below.overlays, ...above.overlays],
    containerImages: [...below.containerImages, ...above.containerImages],
    software: [...below.software, ...above.software],
  };
}

function unionOf(
  files: ImageStatements,
  layers: readonly ChainLayerStatements[],
  none: Said<string> | undefined,
): ImageStatements {
  const engine = layers.find((one) => one.engine !== undefined)?.engine ?? none;
  return {
    ...files,
    engine: engine ?? NO_ENGINE,
    layers: layers.flatMap((one) => one.layers),
    packages: layers.flatMap((one) => one.packages),
    packageFiles: layers.flatMap((one) => one.packageFiles),
    overlays: layers.flatMap((one) => one.overlays),
    containerImages: layers.flatMap((one) => one.containerImages),
    software: layers.flatMap((one) => one.software),
  };
}

const NO_ENGINE: Said<string> = { value: 'none', at: {} };
