import type { Problem } from '../../errors.js';
import type { ListedLayer } from './chain-list.js';
import type { LayerReport } from './layer-file.js';

/** Whether a layer may be loaded over a chain. */
export type LayerVerdict = {
  readonly file: string;
  readonly may: boolean;
  /** In a few words. */
  readonly because: string;
  readonly problems: readonly Problem[];
};

/**
 * Holds a layer against a chain. Codes: `layer-over-others`, `layer-parents-unknown`, `layer-attributes-unfit`,
 * `layer-file-name`.
 */
export function checkLayer(layer: LayerReport, chain: readonly ListedLayer[]): LayerVerdict {
  const { file, sha256, strict, over, unfit } = layer;
  const problems = [...nameProblems(file), ...attributeProblems(layer)];
  if (problems.length > 0) return { file, may: false, because: 'it cannot be loaded over any layers', problems };
  if (chain.some((one) => one.sha256 === sha256)) return good(file, 'it is part of this chain');
  if (unfit.length === 0 && strict.length === 0) {
    return good(file, 'it holds nothing that depends on the layers below it');
  }
  if (over === undefined) {
    const message = `${file} does not say over which layers it was made, and it has ${strict[0] ?? ''}, which depends on them`;
    const hint = 'Build it again with the chain that it is for.';
    return bad(file, { code: 'layer-parents-unknown', message, hint });
  }
  const wrong = over.layers.find((one) => !chain.some((other) => other.sha256 === one.sha256));
  if (wrong === undefined) return good(file, 'it was saved over exactly these layers');
  const other = chain.find((one) => one.file === wrong.file);
  const what = other === undefined ? `there is no ${wrong.file} in this chain` : `${wrong.file} is another one here`;
  const message = `${file} was saved over other layers: ${what}, and ${strict[0] ?? ''} depends on it`;
  const hint = 'Start the device with the new layers without it, install what it had, and save it again.';
  return bad(file, { code: 'layer-over-others', message, hint });
}

function good(file: string, because: string): LayerVerdict {
  return { file, may: true, because, problems: [] };
}

function bad(file: string, problem: Problem): LayerVerdict {
  return { file, may: false, because: problem.message, problems: [problem] };
}

function nameProblems(file: string): Problem[] {
  if (/^[a-z0-9-]+\.sqfs$/.test(file)) return [];
  const message = `a device could not name ${file}: layers.add= takes small letters and digits`;
  return [{ code: 'layer-file-name', message, hint: 'Rename it: local.sqfs.' }];
}

function attributeProblems({ file, unfit: [first] }: LayerReport): Problem[] {
  if (first === undefined) return [];
  const message = `${file} has ${first.name} at ${first.path}, which an overlay with other options wrote: the device would show another tree`;
  const hint = 'Save it with reswarm-save-layer, or from an upper folder of redirect_dir=off,metacopy=off.';
  return [{ code: 'layer-attributes-unfit', message, hint }];
}
