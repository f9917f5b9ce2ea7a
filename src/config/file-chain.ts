import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Problem } from '../errors.js';
import type { Written } from '../model/software.js';
import { readYamlSource, type Path, type YamlSource } from './yaml-source.js';

/** A file and the files that it extends, nearest first. */
export type FileChain = {
  readonly sources: readonly [YamlSource, ...YamlSource[]];
  /** All files merged, without `extends`. */
  readonly value: unknown;
  /** The file that decides what stands at a path; of a path that is nowhere, the file that holds most of it. */
  readonly sourceOf: (path: Path) => YamlSource;
  /** Where that is. */
  readonly locate: (path: Path) => Required<Written>;
};

/** What differs between boards and systems, which both extend other files of their kind. */
export type ExtendableKind = {
  /** Files that a name after `extends:` can mean, in the order in which they are looked for. */
  readonly named: (name: string) => readonly string[];
  /** How many files a chain may have. */
  readonly maxFiles: number;
  readonly problems: {
    readonly notFound: Problem;
    readonly empty: Problem;
    readonly extendsInvalid: Problem;
    readonly extendsTooDeep: Problem;
    readonly extendsNotFound: (name: string) => Problem;
  };
};

type FileChainResult =
  | { readonly chain: FileChain; readonly problems?: undefined }
  | { readonly chain?: undefined; readonly problems: readonly Problem[] };

/** Reads a file and what it extends. Problems: those of the kind, and those of `readYamlSource`. */
export async function readFileChain(file: string, kind: ExtendableKind): Promise<FileChainResult> {
  const first = await readSource(file);
  if (first === undefined) return { problems: [{ ...kind.problems.notFound, file }] };
  const sources: [YamlSource, ...YamlSource[]] = [first];
  for (let source = first; ;) {
    const atExtends = (problem: Problem) => ({
      problems: [{ ...problem, file: source.file, ...source.locate(['extends']) }],
    });
    if (source.problems.length > 0) return { problems: source.problems };
    if (source.root === undefined) return { problems: [{ ...kind.problems.empty, file: source.file }] };
    const parent = isMap(source.value) ? source.value.extends : undefined;
    if (parent === undefined) break;
    if (typeof parent !== 'string') return atExtends(kind.problems.extendsInvalid);
    if (sources.length === kind.maxFiles) return atExtends(kind.problems.extendsTooDeep);
    const next = await readFirst(isPath(parent) ? [resolve(dirname(source.file), parent)] : kind.named(parent));
    if (next === undefined) return atExtends(kind.problems.extendsNotFound(parent));
    sources.push(next);
    source = next;
  }
  const sourceOfPath = (path: Path): YamlSource => sourceOf(sources, path);
  return {
    chain: {
      sources,
      value: sources.map(withoutExtends).reduceRight((below, above) => merge(below, above)),
      sourceOf: sourceOfPath,
      locate: (path) => {
        const source = sourceOfPath(path);
        return { file: source.file, ...source.locate(path) };
      },
    },
  };
}

/** Names are looked up among what is shipped; paths begin with `./`, `../` or `/`. */
export function isPath(nameOrPath: string): boolean {
  return /^\.{0,2}\//.test(nameOrPath);
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readFirst(files: readonly string[]): Promise<YamlSource | undefined> {
  for (const file of files) {
    const source = await readSource(file);
    if (source !== undefined) return source;
  }
  return undefined;
}

async function readSource(file: string): Promise<YamlSource | undefined> {
  try {
    return readYamlSource(await readFile(file, 'utf8'), file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
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
