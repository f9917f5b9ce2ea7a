import { basename } from 'node:path';
import { nearestWord } from '../../config/wording.js';
import type { Problem } from '../../errors.js';
import type { FileList } from '../../formats/file-list.js';
import { matchesPathGlob } from '../../model/glob.js';
import type { Workload } from '../../model/workload.js';
import type { Closure } from './elf-closure.js';
import { elfClosure } from './elf-closure.js';
import type { FullTree, TreeFile } from './full-tree.js';
import { parentOf } from './full-tree.js';

/** What decides which files a minimal root has. */
export type SelectionInput = {
  readonly tree: FullTree;
  readonly workload: Workload;
  readonly architecture: string;
  /** Paths that are in without being listed: files of one's own and what the build writes. */
  readonly given: readonly string[];
  /** The committed list, and the file that it is. */
  readonly list?: { readonly list: FileList; readonly file: string };
  /** From the command line; `drop` has the last word. */
  readonly keep?: readonly string[];
  readonly drop?: readonly string[];
};

export type Selection = {
  /** Sorted, each folder before what it holds. */
  readonly files: readonly TreeFile[];
  /** Paths that only the ELF closure names: the list does not have them. */
  readonly onlyNeeded: readonly string[];
  readonly missing: Closure['missing'];
  readonly problems: readonly Problem[];
  /** What is no mistake and may be one: globs that leave nothing out, libraries that some program would look for. */
  readonly warnings: readonly Problem[];
};

/**
 * The list, what its programs need, links that lead to it, what is included by hand, less what is excluded. Codes:
 * `file-list-stale`, `workload-glob-unmatched`, `workload-library-missing`; the last two are warnings as well.
 */
export async function selectFiles(input: SelectionInput): Promise<Selection> {
  const { tree, workload, architecture, list, keep = [], drop = [] } = input;
  const { env } = workload;
  const signed = (sign: '+' | '-'): readonly string[] =>
    (list?.list.byHand ?? []).filter((line) => line.sign === sign).map(({ glob }) => glob);
  const out = [...workload.exclude, ...signed('-')];
  const kept = globMatches(tree, [...keep]);
  const isOut = (path: string): boolean =>
    drop.some((glob) => matchesPathGlob(path, glob)) ||
    (out.some((glob) => matchesPathGlob(path, glob)) && !keep.some((glob) => matchesPathGlob(path, glob)));

  const included = globMatches(tree, [...workload.include, ...signed('+')]);
  const listed = (list?.list.paths ?? []).map(({ path }) => path.replace(/\/$/, ''));
  const asked = [...input.given, ...listed, ...included, ...kept].filter((path) => !isOut(path));
  const chosen = withLinks(tree, asked);
  const closure = await elfClosure(tree, chosen, { architecture, env });
  const onlyNeeded = [...closure.paths].filter((path) => !chosen.has(path) && !isOut(path)).sort();
  for (const path of onlyNeeded) chosen.add(path);
  addFolders(chosen);
  for (const path of linksInto(tree, chosen)) if (!isOut(path)) chosen.add(path);
  addFolders(chosen);
  const files = [...chosen].flatMap((path) => tree.at(path) ?? []).sort((a, b) => (a.path < b.path ? -1 : 1));
  const ofCommand = await elfClosure(tree, workload.command.slice(0, 1), { architecture, env });
  const problems = [
    ...staleProblems(tree, list, isOut),
    ...unmatchedProblems(tree, wishedGlobs(input)),
    // A script's interpreter is told by commandProblems.
    ...libraryProblems(ofCommand.missing.filter(({ name }) => !name.startsWith('/'))),
  ];
  const others = closure.missing.filter(({ name }) => !ofCommand.missing.some((one) => one.name === name));
  const warnings = [...unmatchedProblems(tree, excludedGlobs(input)), ...libraryProblems(others)];
  return { files, onlyNeeded, missing: closure.missing, problems, warnings };
}

/** All files and links that a glob means. */
function globMatches(tree: FullTree, globs: readonly string[]): readonly string[] {
  if (globs.length === 0) return [];
  return [...tree.files]
    .filter(({ path }) => globs.some((glob) => matchesPathGlob(path, glob)))
    .map(({ path }) => path);
}

/** The paths as the tree has them, with the links on the way and what those lead to. */
function withLinks(tree: FullTree, paths: Iterable<string>): Set<string> {
  const chosen = new Set<string>();
  for (const path of paths) {
    const { links, end } = tree.follow(path);
    for (const link of links) chosen.add(link);
    if (end !== undefined) chosen.add(end.path);
  }
  return chosen;
}

function addFolders(chosen: Set<string>): void {
  for (const path of [...chosen]) {
    for (let above = parentOf(path); above !== '' && !chosen.has(above); above = parentOf(above)) chosen.add(above);
  }
}

/** A program may come by any name: links cost a line each, a missing one costs a search. */
function linksInto(tree: FullTree, chosen: ReadonlySet<string>): readonly string[] {
  return [...tree.files].flatMap(({ path, type }) => {
    if (type !== 'link' || chosen.has(path)) return [];
    const { end, links } = tree.follow(path);
    return end !== undefined && chosen.has(end.path) ? links : [];
  });
}

/** A list is of the packages that it was traced with: a newer one may call a file otherwise. */
function staleProblems(
  tree: FullTree,
  list: SelectionInput['list'],
  isOut: (path: string) => boolean,
): readonly Problem[] {
  if (list === undefined) return [];
  return list.list.paths.flatMap(({ path, line }): Problem[] => {
    const plain = path.replace(/\/$/, '');
    if (isOut(plain) || tree.follow(plain).end !== undefined) return [];
    const nearest = nearestPath(tree, plain);
    const hint = `${nearest === undefined ? '' : `The nearest is ${nearest}. `}Write the list again with \`workload trace\`, or mend this line.`;
    const message = `no package has ${path} any more`;
    return [{ code: 'file-list-stale', message, hint, file: list.file, line, column: 1 }];
  });
}

/** The file of the same folder whose name is most like it, or one of the same name elsewhere. */
export function nearestPath(tree: FullTree, path: string): string | undefined {
  const name = basename(path);
  const { end } = tree.follow(parentOf(path));
  const siblings = tree.in(end?.path ?? '').map((file) => basename(file.path));
  const nearest = nearestWord(name, siblings);
  if (nearest !== undefined) return `${end?.path ?? ''}/${nearest}`;
  return [...tree.files].find((file) => file.type !== 'folder' && basename(file.path) === name)?.path;
}

/** Where a glob was written, in words and as a place. */
type Written = { readonly glob: string; readonly what: string; readonly at: Pick<Problem, 'file' | 'line' | 'column'> };

function signedLines({ list }: SelectionInput, sign: '+' | '-'): readonly Written[] {
  return (list?.list.byHand ?? [])
    .filter((line) => line.sign === sign)
    .map(({ glob, line }) => ({ glob, what: sign, at: { file: list?.file ?? '', line, column: 1 } }));
}

/** Globs that would be in vain without a file: somebody counts on them now. */
function wishedGlobs(input: SelectionInput): readonly Written[] {
  const { workload, keep = [], drop = [] } = input;
  return [
    ...workload.include.map((glob) => ({ glob, what: 'include', at: {} })),
    ...signedLines(input, '+'),
    ...keep.map((glob) => ({ glob, what: '--keep', at: {} })),
    ...drop.map((glob) => ({ glob, what: '--drop', at: {} })),
  ];
}

/** Globs that may be left over from an older package, or come from a workload that this one extends. */
function excludedGlobs(input: SelectionInput): readonly Written[] {
  return [...input.workload.exclude.map((glob) => ({ glob, what: 'exclude', at: {} })), ...signedLines(input, '-')];
}

function unmatchedProblems(tree: FullTree, globs: readonly Written[]): readonly Problem[] {
  return globs.flatMap(({ glob, what, at }): Problem[] => {
    if ([...tree.files].some(({ path }) => matchesPathGlob(path, glob))) return [];
    const nearest = /[*?]/.test(glob) ? undefined : nearestPath(tree, glob);
    const hint = nearest === undefined ? 'Check the path, or add the package that has it.' : `Did you mean ${nearest}?`;
    return [
      { code: 'workload-glob-unmatched', message: `${what} ${glob}: no file of the workload is meant`, hint, ...at },
    ];
  });
}

function libraryProblems(missing: Closure['missing']): readonly Problem[] {
  return missing.map(({ name, needed }) => ({
    code: 'workload-library-missing',
    message: `${needed} needs ${name}, which no package and no file of the workload has`,
    hint: 'Add the package that has it, or the file itself.',
  }));
}
