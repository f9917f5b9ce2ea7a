import { dirname, resolve } from 'node:path';
import type { Problem } from '../../errors.js';
import type { PackageFile } from '../../model/packages.js';
import type { Software, Written } from '../../model/software.js';
import type { FileChain } from '../file-chain.js';
import { readPackages } from '../packages/package-statements.js';
import type { Said } from '../said.js';
import type { ChainLayerDefinition } from '../schemas/chain-layer-schema.js';
import { checkSoftwareRules } from '../software/software-rules.js';
import { resolveSoftware } from '../software/software.js';
import type { Path } from '../yaml-source.js';

/** What a file says of one layer of a chain. Paths are absolute. */
export type ChainLayerStatements = {
  readonly name: Said<string>;
  readonly layers: readonly Said<string>[];
  readonly engine?: Said<string>;
  readonly packages: readonly string[];
  readonly packageFiles: readonly PackageFile[];
  readonly overlays: readonly Said<string>[];
  readonly containerImages: readonly Said<string>[];
  readonly software: readonly Software[];
};

export type ChainRead = { readonly layers: readonly ChainLayerStatements[]; readonly problems: readonly Problem[] };

/** Where what a file says stands in it, and the file that paths begin at. */
type Places = Pick<FileChain, 'locate'>;

/**
 * The list `layers` of a file, as far as its entries are layers of a chain. Codes: those of `readPackages`,
 * `resolveSoftware` and `checkSoftwareRules`.
 */
export async function readChainLayers(
  written: readonly (string | ChainLayerDefinition)[],
  places: Places,
): Promise<ChainRead> {
  const layers: ChainLayerStatements[] = [];
  const problems: Problem[] = [];
  for (const [index, one] of written.entries()) {
    if (typeof one === 'string') continue;
    const read = await readChainLayer(one, ['layers', index], places);
    layers.push(read.layer);
    problems.push(...read.problems);
  }
  return { layers, problems };
}

async function readChainLayer(
  definition: ChainLayerDefinition,
  path: Path,
  places: Places,
): Promise<{ readonly layer: ChainLayerStatements; readonly problems: readonly Problem[] }> {
  const at = (...inner: Path): Required<Written> => places.locate([...path, ...inner]);
  const { packages, problems: ofPackages } = await readPackages({ packages: definition.packages }, places, path);
  const { software, problems: ofSoftware } = await resolveSoftware(definition.software, {
    resolvePath: (file, inner) => resolve(dirname(at(...inner).file), file),
    locate: (inner) => at(...inner),
  });
  const folders = (key: 'overlay' | 'containerImages'): Said<string>[] =>
    definition[key].map((value, index) => {
      const place = at(key, index);
      return { value: resolve(dirname(place.file), value), at: place };
    });
  const broken = checkSoftwareRules(definition.software).map(({ path: inner, ...problem }) => ({
    ...problem,
    ...at(...inner),
  }));
  return {
    layer: {
      name: { value: definition.name, at: at('name') },
      layers: definition.layers.map((value, index) => ({ value, at: at('layers', index) })),
      ...(definition.engine === undefined ? {} : { engine: { value: definition.engine, at: at('engine') } }),
      packages: packages.packages,
      packageFiles: packages.packageFiles,
      overlays: folders('overlay'),
      containerImages: folders('containerImages'),
      software,
    },
    problems: [...ofPackages, ...broken, ...ofSoftware],
  };
}
