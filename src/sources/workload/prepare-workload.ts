import { readFile } from 'node:fs/promises';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { FileList } from '../../formats/file-list.js';
import { parseFileList } from '../../formats/file-list.js';
import type { Workload } from '../../model/workload.js';
import { listPath } from '../../model/workload.js';
import type { Tree } from '../../tools/tree.js';
import { commandProblems } from './check-command.js';
import { FullTree, type TreeFile } from './full-tree.js';
import type { BuiltProgram } from './minimal-tree.js';
import { minimalTree } from './minimal-tree.js';
import type { OwnFile } from './own-files.js';
import { missingFolders, ownFiles } from './own-files.js';
import type { Selection } from './select-files.js';
import { selectFiles } from './select-files.js';
import { isAlwaysIn, settingsText, systemFiles } from './system-files.js';
import type { UnpackedPackages } from './unpacked-packages.js';

export type WorkloadInput = {
  readonly workload: Workload;
  readonly architecture: string;
  readonly packages: UnpackedPackages;
  /** Path of each compiled program on this machine, by its target. */
  readonly compiled: ReadonlyMap<string, string>;
};

/** Everything that the workload could use, laid over each other. */
export type WholeWorkload = {
  readonly tree: FullTree;
  readonly own: readonly OwnFile[];
  /** Paths that every minimal root has: files of one's own, users, names, mount points. */
  readonly given: readonly string[];
  /** What the init reads. */
  readonly settings: string;
};

/** Packages, what their scripts would write, and the user's own files. Throws UserError of `systemFiles`. */
export async function wholeWorkload(input: WorkloadInput): Promise<WholeWorkload> {
  const packages = new FullTree(input.packages.files);
  const own = (await ownFiles(input.workload, input.compiled)).map((file) => ({ ...file, path: real(packages, file) }));
  const { files, user } = await systemFiles(input.workload, packages);
  const brought = [...files, ...own];
  const isThere = (path: string): boolean =>
    packages.at(path) !== undefined || brought.some((file) => file.path === path);
  const tree = new FullTree([...packages.files, ...missingFolders(brought, isThere), ...brought]);
  const given = [...files.filter(isAlwaysIn), ...own].map(({ path }) => path);
  return { tree, own, given, settings: settingsText(input.workload, user) };
}

/** /bin/x of the user is /usr/bin/x in the system. */
function real(tree: FullTree, { path }: TreeFile): string {
  const parts = path.split('/');
  for (let count = parts.length - 1; count > 1; count -= 1) {
    const { end } = tree.follow(parts.slice(0, count).join('/'));
    if (end !== undefined) return [end.path, ...parts.slice(count)].join('/');
  }
  return path;
}

export type MinimalOptions = {
  readonly keep?: readonly string[];
  readonly drop?: readonly string[];
  readonly init: BuiltProgram;
  readonly sourceDateEpoch: number;
};

export type MinimalRoot = {
  readonly tree: Tree;
  readonly selection: Selection;
};

/**
 * The root of a minimal system. Throws UserError `workload-not-traced` where packages have no list, and every problem of
 * the list, the selection and the command.
 */
export async function workloadTree(input: WorkloadInput, options: MinimalOptions): Promise<MinimalRoot> {
  const { workload, architecture, packages } = input;
  const { keep = [], drop = [], init, sourceDateEpoch } = options;
  const { tree, own, given, settings } = await wholeWorkload(input);
  const list = await readList(workload, architecture);
  if (list === undefined && packages.files.length > 0) throw notTraced(workload, architecture);
  const selection = await selectFiles({
    tree,
    workload,
    architecture,
    given,
    keep,
    drop,
    ...(list === undefined ? {} : { list }),
  });
  const chosen = new Set(selection.files.map(({ path }) => path));
  const problems = [...selection.problems, ...(await commandProblems(workload, tree, architecture, chosen))];
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const { files } = selection;
  return {
    tree: minimalTree({ packages, files, own, whole: tree, settings, init, sourceDateEpoch }),
    selection,
  };
}

/** The committed list; undefined where there is none. Throws UserError with the problems of its lines. */
export async function readList(
  { list }: Workload,
  architecture: string,
): Promise<{ readonly list: FileList; readonly file: string } | undefined> {
  if (list === undefined) return undefined;
  const file = listPath(list, architecture);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { list: parsed, problems } = parseFileList(text, file);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return { list: parsed, file };
}

function notTraced({ id, list, at }: Workload, architecture: string): UserError {
  const problem: Problem = {
    code: 'workload-not-traced',
    message:
      list === undefined
        ? `the workload ${id} names no list of its files`
        : `there is no list ${listPath(list, architecture)}`,
    hint: `Write it with: reswarm-os workload trace FILE --board BOARD, for a board of ${architecture}.`,
    ...at.list,
  };
  return UserError.fromProblems([problem]);
}
