import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Problem } from '../../errors.js';
import type { Layer } from '../../model/image-spec.js';
import { isPath } from '../file-chain.js';
import { kindOf } from '../present.js';
import type { Said } from '../said.js';
import { didYouMean } from '../wording.js';
import type { Path, YamlSource } from '../yaml-source.js';
import { readYamlSource } from '../yaml-source.js';
import { problemsFromZod } from '../zod-problems.js';
import type { LayerDefinition } from '../schemas/layer-schema.js';
import { layerSchema } from '../schemas/layer-schema.js';

/** A layer and the layers that come before it. */
type LoadedLayer = { readonly layer: Layer; readonly with: readonly Said<string>[] };

type LayerRead = { readonly loaded?: LoadedLayer; readonly problems: readonly Problem[] };

/**
 * Layers with those that they ask for by `with`, which come first; each once. Names are looked up in `layersDir`, paths
 * begin at the file that holds them. Codes: `unknown-layer`, `layer-circle`, `layer-unit-not-found`,
 * `layer-sysusers-not-found`, those of the YAML reader and of the schema.
 */
export async function loadLayers(
  wanted: readonly Said<string>[],
  layersDir: string,
): Promise<{ readonly layers: readonly Layer[]; readonly problems: readonly Problem[] }> {
  const layers: Layer[] = [];
  const problems: Problem[] = [];
  const done = new Set<string>();

  async function add(want: Said<string>, above: readonly string[]): Promise<void> {
    const folder = layerFolder(want, layersDir);
    if (above.includes(folder))
      problems.push(
        circle(
          want,
          above.map((one) => basename(one)),
        ),
      );
    if (done.has(folder) || above.includes(folder)) return;
    const { loaded, problems: found } = await loadLayer(folder, want, layersDir);
    problems.push(...found);
    for (const before of loaded?.with ?? []) await add(before, [...above, folder]);
    done.add(folder);
    if (loaded !== undefined) layers.push(loaded.layer);
  }

  for (const want of wanted) await add(want, []);
  return { layers, problems };
}

/** What the container engines are called that the shipped layers have, and the layer of each. */
export async function shippedEngines(layersDir: string): Promise<ReadonlyMap<string, string>> {
  const engines = new Map<string, string>();
  for (const name of await layerNames(layersDir)) {
    const { loaded } = await loadLayer(join(layersDir, name), { value: name, at: {} }, layersDir);
    if (loaded?.layer.engine !== undefined) engines.set(loaded.layer.engine, name);
  }
  return engines;
}

/** Names of the shipped layers, sorted. */
export async function layerNames(layersDir: string): Promise<readonly string[]> {
  const entries = await readdir(layersDir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function layerFolder({ value, at }: Said<string>, layersDir: string): string {
  return isPath(value) ? resolve(dirname(at.file ?? layersDir), value) : join(layersDir, value);
}

async function loadLayer(folder: string, want: Said<string>, layersDir: string): Promise<LayerRead> {
  const file = join(folder, 'layer.yaml');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { problems: [await unknownLayer(want, file, layersDir)] };
  const source = readYamlSource(text, file);
  if (source.problems.length > 0) return { problems: source.problems };
  const parsed = layerSchema.safeParse(source.value ?? {}, { reportInput: true });
  if (!parsed.success) return { problems: problemsFromZod(parsed.error, source, file, { schema: layerSchema }) };
  const definition = parsed.data;
  const files = join(folder, 'files');
  const place = (path: Path) => ({ file, ...source.locate(path) });
  return {
    loaded: {
      layer: resolveLayer(basename(folder), definition, (await kindOf(files)) === 'folder' ? files : undefined),
      with: definition.with.map((value, index) => ({ value, at: place(['with', index]) })),
    },
    problems: await missingFiles(definition, files, source),
  };
}

function resolveLayer(name: string, definition: LayerDefinition, files: string | undefined): Layer {
  const {
    description,
    packages,
    required,
    shapesPackages,
    units,
    sysusers,
    engine,
    loadsDockerArchives,
    bundle,
    features,
  } = definition;
  return {
    name,
    description,
    packages,
    required,
    ...(files === undefined ? {} : { files }),
    shapesPackages,
    units,
    sysusers,
    ...(engine === undefined ? {} : { engine }),
    loadsDockerArchives,
    ...(bundle === undefined ? {} : { bundle }),
    features,
  };
}

const UNIT_FOLDERS = ['usr/lib/systemd/system', 'etc/systemd/system'];

/** What the image's own systemctl and systemd-sysusers would not find, when the image is almost done. */
async function missingFiles(definition: LayerDefinition, files: string, source: YamlSource): Promise<Problem[]> {
  const problems: Problem[] = [];
  const hint = 'Add the file to the layer, or take it out of this list.';
  for (const [index, unit] of definition.units.entries()) {
    const kinds = await Promise.all(UNIT_FOLDERS.map((folder) => kindOf(join(files, folder, unit))));
    if (kinds.includes('file')) continue;
    const message = `the layer has no unit ${unit} below ${files}/${UNIT_FOLDERS[0] ?? ''}`;
    problems.push({
      code: 'layer-unit-not-found',
      message,
      hint,
      file: source.file,
      ...source.locate(['units', index]),
    });
  }
  for (const [index, name] of definition.sysusers.entries()) {
    if ((await kindOf(join(files, 'usr/lib/sysusers.d', name))) === 'file') continue;
    const message = `the layer has no file ${name} below ${files}/usr/lib/sysusers.d`;
    const place = source.locate(['sysusers', index]);
    problems.push({ code: 'layer-sysusers-not-found', message, hint, file: source.file, ...place });
  }
  return problems;
}

async function unknownLayer({ value, at }: Said<string>, file: string, layersDir: string): Promise<Problem> {
  const hint = isPath(value)
    ? 'Check the path; it begins at this file and names the folder with layer.yaml in it.'
    : didYouMean(value, await layerNames(layersDir));
  const message = isPath(value) ? `there is no layer ${value} (looked for ${file})` : `there is no layer "${value}"`;
  return { code: 'unknown-layer', message, ...(hint === undefined ? {} : { hint }), ...at };
}

function circle({ value, at }: Said<string>, above: readonly string[]): Problem {
  return {
    code: 'layer-circle',
    message: `the layer "${value}" asks for itself: ${[...above, value].join(' → ')}`,
    hint: 'Take it out of "with".',
    ...at,
  };
}
