import { readFile } from 'node:fs/promises';
import { chainFileSchema } from '../schemas/chain-layer-schema.js';
import type { Path } from '../yaml-source.js';
import { readYamlSource } from '../yaml-source.js';
import { problemsFromZod } from '../zod-problems.js';
import type { ChainRead } from './chain-statements.js';
import { readChainLayers } from './chain-statements.js';

/** A file of `build --layers`. Codes: `layers-file-not-found`, and those of `readChainLayers` and of the YAML reader. */
export async function loadChainFile(file: string): Promise<ChainRead> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    const message = `there is no file of layers ${file}`;
    const hint = 'Check the path. The file has one key: "layers:", a list of { name, packages, overlay, … }.';
    return { layers: [], problems: [{ code: 'layers-file-not-found', message, hint }] };
  }
  const source = readYamlSource(text, file);
  if (source.problems.length > 0) return { layers: [], problems: source.problems };
  const parsed = chainFileSchema.safeParse(source.value ?? {}, { reportInput: true });
  if (!parsed.success) {
    return { layers: [], problems: problemsFromZod(parsed.error, source, file, { schema: chainFileSchema }) };
  }
  return readChainLayers(parsed.data.layers, { locate: (path: Path) => ({ file, ...source.locate(path) }) });
}
