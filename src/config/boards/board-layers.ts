import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Problem } from '../../errors.js';
import { readYamlSource, type Path, type YamlSource } from '../yaml-source.js';

export const EXTENDS_DESCRIPTION =
  'Takes over what this file leaves out from another one: rpi-64bit (a family), rpi4 (a board), or a path that begins with `./`, `../` or `/`. Maps are merged, lists and values are replaced.';

/** A board of one's own extends a shipped board, which extends its family; nothing lies deeper. */
const MAX_LAYERS = 3;

/** A board file and the files that it extends, nearest first. */
export type BoardLayers = {
  readonly sources: readonly [YamlSource, ...YamlSource[]];
  /** All layers merged, without `extends`. */
  readonly value: unknown;
  /** The file that decides what stands at a path; of a path that is nowhere, the file that holds most of it. */
  sourceOf(path: Path): YamlSource;
};

type BoardLayersResult =
  | { readonly layers: BoardLayers; readonly problems?: undefined }
  | { readonly layers?: undefined; readonly problems: readonly Problem[] };

/**
 * Reads a board file and what it extends. Codes: `board-not-found`, `board-empty`, `board-extends-not-found`,
 * `board-extends-invalid`, `board-extends-too-deep`, and those of `readYamlSource`.
 */
export async function readBoardLayers(file: string, boardsDir: string): Promise<BoardLayersResult> {
  const first = await readLayer(file);
  if (first === undefined) return { problems: [notFound(file)] };
  const sources: [YamlSource, ...YamlSource[]] = [first];
  for (let source = first; ;) {
    if (source.problems.length > 0) return { problems: source.problems };
    if (source.root === undefined) return { problems: [empty(source.file)] };
    const parent = extendsOf(source);
    if (parent === undefined) break;
    if (typeof parent !== 'string') return { problems: [extendsInvalid(source)] };
    if (sources.length === MAX_LAYERS) return { problems: [extendsTooDeep(source)] };
    const next = await readFirst(extendedFiles(parent, source.file, boardsDir));
    if (next === undefined) return { problems: [extendsNotFound(source, parent)] };
    sources.push(next);
    source = next;
  }
  return {
    layers: {
      sources,
      value: sources.map(withoutExtends).reduceRight((below, above) => merge(below, above)),
      sourceOf: (path) => sourceOf(sources, path),
    },
  };
}

/** A name is looked up among the shipped boards and families, a path from the file that holds it. */
function extendedFiles(parent: string, file: string, boardsDir: string): string[] {
  if (/^\.{0,2}\//.test(parent)) return [resolve(dirname(file), parent)];
  return [join(boardsDir, 'families', `${parent}.yaml`), join(boardsDir, `${parent}.yaml`)];
}

async function readFirst(files: readonly string[]): Promise<YamlSource | undefined> {
  for (const file of files) {
    const source = await readLayer(file);
    if (source !== undefined) return source;
  }
  return undefined;
}

async function readLayer(file: string): Promise<YamlSource | undefined> {
  try {
    return readYamlSource(await readFile(file, 'utf8'), file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function extendsOf({ value }: YamlSource): unknown {
  return isMap(value) ? value.extends : undefined;
}

function withoutExtends({ value }: YamlSource): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'extends')) : value;
}

/** Maps are merged key by key, those of `below` first; everything else is replaced. */
function merge(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above;
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    merged.set(key, merged.has(key) ? merge(merged.get(key), value) : value);
  }
  return Object.fromEntries(merged);
}

function sourceOf(sources: readonly [YamlSource, ...YamlSource[]], path: Path): YamlSource {
  const depths = sources.map(({ value }) => depthOf(value, path));
  return sources[depths.indexOf(Math.max(...depths))] ?? sources[0];
}

/** How many segments of the path exist. */
function depthOf(value: unknown, path: Path): number {
  let current = value;
  for (const [depth, segment] of path.entries()) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, segment)) return depth;
    current = (current as Record<string | number, unknown>)[segment];
  }
  return path.length;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notFound(file: string): Problem {
  return { code: 'board-not-found', message: 'there is no such board file', hint: 'Check the path.', file };
}

function empty(file: string): Problem {
  return {
    code: 'board-empty',
    message: 'this board file is empty',
    hint: 'Begin with "extends: rpi4", an id and a name.',
    file,
  };
}

function extendsInvalid(source: YamlSource): Problem {
  return {
    code: 'board-extends-invalid',
    message: '"extends" must be the name or the path of one file',
    hint: 'Write "extends: rpi4".',
    file: source.file,
    ...source.locate(['extends']),
  };
}

function extendsTooDeep(source: YamlSource): Problem {
  return {
    code: 'board-extends-too-deep',
    message: `this file is extended through ${MAX_LAYERS - 1} others already and extends one more`,
    hint: 'Extend a board or a family directly; files that extend each other in a circle look the same.',
    file: source.file,
    ...source.locate(['extends']),
  };
}

function extendsNotFound(source: YamlSource, parent: string): Problem {
  return {
    code: 'board-extends-not-found',
    message: `"extends" names ${parent}, which is neither a shipped board nor a family nor a file`,
    hint: 'A file of your own is written with its path: ./family.yaml',
    file: source.file,
    ...source.locate(['extends']),
  };
}
