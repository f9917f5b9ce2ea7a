import type { Workload } from '../../model/workload.js';
import { elfClosure, type Closure } from './elf-closure.js';
import type { TreeFile } from './full-tree.js';
import type { WholeWorkload } from './prepare-workload.js';

export type TracedFiles = {
  /** Lines of the list, sorted: paths without those that every root has; a folder ends in `/`. */
  readonly paths: readonly string[];
  /** What those are. */
  readonly files: readonly TreeFile[];
  /** Seen by the trace, and by no library's wish. */
  readonly onlyTraced: readonly string[];
  /** Named by the ELF closure, and not seen. */
  readonly onlyNeeded: readonly string[];
  readonly missing: Closure['missing'];
};

type Context = {
  readonly whole: WholeWorkload;
  readonly workload: Workload;
  readonly architecture: string;
};

/**
 * What the init's lines mean in the tree: what was read and asked for, links on the way included, with what its programs
 * need.
 *
 * @param lines "read PATH" as the kernel tells it, "asked PATH" as programs wrote it
 */
export async function tracedFiles(
  lines: readonly string[],
  { whole: { tree, given }, workload, architecture }: Context,
): Promise<TracedFiles> {
  const seen = new Map<string, TreeFile>();
  const asked = lines.flatMap((line) => /^(?:read|asked) (.*)$/.exec(line)?.[1] ?? []);
  for (const path of [...asked, workload.command[0]]) {
    const { links, end } = tree.follow(path);
    for (const link of links) keep(seen, tree.at(link));
    keep(seen, end);
  }
  const own = new Set(given);
  const closure = await elfClosure(tree, seen.keys(), { architecture, env: workload.env });
  const onlyNeeded = [...closure.paths].filter((path) => !seen.has(path)).sort();
  const byTrace = [...seen.keys()];
  for (const path of onlyNeeded) keep(seen, tree.at(path));
  // Folders that hold a listed file come by themselves.
  const holding = new Set<string>();
  for (const { path } of [...seen.values()].filter(({ type }) => type !== 'folder')) {
    for (let above = path; (above = above.slice(0, above.lastIndexOf('/'))) !== '';) holding.add(above);
  }
  const files = [...seen.values()]
    .filter(({ path, type }) => !own.has(path) && !(type === 'folder' && holding.has(path)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const listed = new Set(files.filter(({ type }) => type === 'file').map(({ path }) => path));
  return {
    paths: files.map(({ path, type }) => (type === 'folder' ? `${path}/` : path)),
    files,
    onlyTraced: byTrace.filter((path) => listed.has(path) && !closure.paths.has(path)).sort(),
    onlyNeeded: onlyNeeded.filter((path) => listed.has(path)),
    missing: closure.missing,
  };
}

function keep(seen: Map<string, TreeFile>, file: TreeFile | undefined): void {
  if (file !== undefined) seen.set(file.path, file);
}
