import { readFirstBytes } from './first-bytes.js';
import type { ElfDynamic } from '../../formats/elf-dynamic.js';
import { readElfDynamic } from '../../formats/elf-dynamic.js';
import { programKind } from '../debian/native-programs.js';
import type { FullTree, TreeFile } from './full-tree.js';
import { parentOf } from './full-tree.js';

/** What programs need that nobody has to open by hand. */
export type Closure = {
  /** Paths of loaders, libraries and interpreters, and of the links that lead to them. */
  readonly paths: ReadonlySet<string>;
  /** Libraries that no folder has: `libx.so.1 for /usr/bin/y`. */
  readonly missing: readonly { readonly name: string; readonly needed: string }[];
};

export type ClosureOptions = {
  readonly architecture: string;
  /** LD_LIBRARY_PATH and PATH of the workload. */
  readonly env: Readonly<Record<string, string>>;
};

/** `#!/usr/bin/env -S node --flag`: at most this much of a script is its first line. */
const FIRST_LINE_BYTES = 256;

/**
 * What the ELF files among `roots` need, and the interpreters of scripts, again and again until nothing comes new. The
 * paths of `roots` themselves are not part of it.
 */
export async function elfClosure(tree: FullTree, roots: Iterable<string>, options: ClosureOptions): Promise<Closure> {
  const paths = new Set<string>();
  const missing: { name: string; needed: string }[] = [];
  const done = new Set<string>();
  const waiting = [...roots].map((path) => ({ path, inherited: [] as readonly string[] }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { end } = tree.follow(next.path);
    if (end?.type !== 'file' || end.source === undefined || done.has(end.path)) continue;
    done.add(end.path);
    const elf = await readElfDynamic(end.source);
    const wanted =
      elf === undefined
        ? (await interpretersOf(end, tree, options)).map((path) => ({ path, inherited: [] }))
        : neededBy(end, elf, next.inherited, { tree, options, missing });
    for (const one of wanted) {
      const { links, end: found } = tree.follow(one.path);
      for (const link of links) paths.add(link);
      if (found === undefined) missing.push({ name: one.path, needed: end.path });
      else {
        paths.add(found.path);
        waiting.push(one);
      }
    }
  }
  return { paths, missing };
}

type Wanted = { readonly path: string; readonly inherited: readonly string[] };
type Search = {
  readonly tree: FullTree;
  readonly options: ClosureOptions;
  readonly missing: { name: string; needed: string }[];
};

function neededBy(file: TreeFile, elf: ElfDynamic, inherited: readonly string[], search: Search): readonly Wanted[] {
  const own = elf.runPath.map((folder) => folder.replaceAll(/\$\{?ORIGIN\}?/g, parentOf(file.path)));
  const handedOn = elf.inherited ? [...own, ...inherited] : inherited;
  const wanted: Wanted[] = elf.interpreter === undefined ? [] : [{ path: elf.interpreter, inherited: [] }];
  for (const name of elf.needed) {
    const path = name.includes('/') ? name : findLibrary(name, [...own, ...inherited], search);
    if (path === undefined) search.missing.push({ name, needed: file.path });
    else wanted.push({ path, inherited: handedOn });
  }
  return wanted;
}

/** As ld.so(8) looks for a library where there is no ld.so.cache. */
function findLibrary(name: string, first: readonly string[], { tree, options }: Search): string | undefined {
  const fromEnvironment = (options.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  return [...first, ...fromEnvironment, ...libraryFolders(options.architecture)]
    .map((folder) => `${folder}/${name}`)
    .find((path) => tree.follow(path).end !== undefined);
}

/** Where Debian's loader looks without being told. */
export function libraryFolders(architecture: string): readonly string[] {
  const triplet = programKind(architecture)?.triplet ?? architecture;
  return [`/lib/${triplet}`, `/usr/lib/${triplet}`, '/lib64', '/usr/lib64', '/lib', '/usr/lib'];
}

/** The program of a script's first line; behind `env` also the one that it looks for. */
export async function interpretersOf(
  { source = '' }: TreeFile,
  tree: FullTree,
  { env }: ClosureOptions,
): Promise<readonly string[]> {
  const head = (await readFirstBytes(source, FIRST_LINE_BYTES)).toString('latin1');
  if (!head.startsWith('#!')) return [];
  const [program = '', ...words] = (head.slice(2).split('\n')[0] ?? '').trim().split(/\s+/);
  if (!/(?:^|\/)env$/.test(program)) return program === '' ? [] : [program];
  const name = words.find((word) => !word.startsWith('-') && !word.includes('='));
  if (name === undefined) return [program];
  const folders = (env.PATH ?? DEFAULT_PATH).split(':');
  const found = folders.map((folder) => `${folder}/${name}`).find((path) => tree.follow(path).end !== undefined);
  return [program, found ?? name];
}

/** PATH of a workload that sets none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';
