import type { Problem } from '../../errors.js';
import { shippedEngines } from '../layers/load-layers.js';
import type { Said } from '../said.js';
import { didYouMean } from '../wording.js';

/** A container engine and its layer. */
export type Engine = { readonly name: Said<string>; readonly layer?: string };

/** The layer of an engine that a file names. Code: `invalid-value`. */
export async function engineOfFiles(
  name: Said<string>,
  layersDir: string,
): Promise<{ readonly engine: Engine; readonly problems: readonly Problem[] }> {
  const engines = await shippedEngines(layersDir);
  const layer = engines.get(name.value);
  if (layer !== undefined) return { engine: { name, layer }, problems: [] };
  const known = [...engines.keys()];
  const problem = {
    code: 'invalid-value',
    message: `no layer has the container engine "${name.value}"`,
    hint: didYouMean(name.value, known) ?? `Known: ${known.join(', ')}.`,
    ...name.at,
  };
  return { engine: { name }, problems: [problem] };
}

/** The layer of an engine that the command line names. Code: `unknown-docker-source`. */
export async function engineOfFlag(
  name: string,
  layersDir: string,
): Promise<{ readonly engine: Engine; readonly problems: readonly Problem[] }> {
  const engines = await shippedEngines(layersDir);
  const layer = engines.get(name);
  if (layer !== undefined) return { engine: { name: { value: name, at: {} }, layer }, problems: [] };
  const known = [...engines.keys()];
  const meant = didYouMean(name, known);
  const sources = `Known: ${known.join(', ')}.`;
  const problem = {
    code: 'unknown-docker-source',
    message: `there is no Docker source "${name}"`,
    hint: meant?.startsWith('Did') === true ? `${meant} ${sources}` : sources,
  };
  return { engine: { name: { value: name, at: {} } }, problems: [problem] };
}
