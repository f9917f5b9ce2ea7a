import type { Problem } from '../../errors.js';
import { readElfDynamic } from '../../formats/elf-dynamic.js';
import type { Workload } from '../../model/workload.js';
import { interpretersOf } from './elf-closure.js';
import type { FullTree, TreeFile } from './full-tree.js';
import { nearestPath } from './select-files.js';

/**
 * Whether the command could be started at all. Codes: `workload-command-missing`, `workload-command-not-listed`,
 * `workload-command-not-executable`, `workload-command-architecture`, `workload-command-format`,
 * `workload-interpreter-missing`.
 *
 * @param chosen paths of the minimal root; undefined: there is no list yet, and all of the tree counts
 */
export async function commandProblems(
  { command, env, at }: Workload,
  tree: FullTree,
  architecture: string,
  chosen?: ReadonlySet<string>,
): Promise<readonly Problem[]> {
  const [program] = command;
  const problem = (code: string, message: string, hint: string): readonly Problem[] => [
    { code, message, hint, ...at.command },
  ];
  const { end } = tree.follow(program);
  if (end?.type !== 'file') {
    const nearest = nearestPath(tree, program);
    const hint = nearest === undefined ? 'Add the package or the file that brings it.' : `Did you mean ${nearest}?`;
    return problem('workload-command-missing', `no package and no file of the workload is ${program}`, hint);
  }
  if (chosen?.has(end.path) === false) {
    const hint = 'Write the list again with `workload trace`, or add the line "+ ' + end.path + '" to it.';
    return problem('workload-command-not-listed', `${program} is not in the list of files`, hint);
  }
  if ((end.mode & 0o111) === 0) {
    const hint = 'Name the interpreter first, or begin the file with #! and its path.';
    return problem('workload-command-not-executable', `${program} is not a program: no x bit, no #! line`, hint);
  }
  const elf = end.source === undefined ? undefined : await readElfDynamic(end.source);
  if (elf === undefined) return scriptProblems(end, { program, env, tree, architecture }, problem);
  if (elf.architecture === architecture) return [];
  const message = `${program} is a program for ${elf.architecture}, and the system is ${architecture}`;
  return problem('workload-command-architecture', message, `Take the one for ${architecture}.`);
}

async function scriptProblems(
  file: TreeFile,
  { program, env, tree, architecture }: { program: string; env: Workload['env']; tree: FullTree; architecture: string },
  problem: (code: string, message: string, hint: string) => readonly Problem[],
): Promise<readonly Problem[]> {
  const interpreters = await interpretersOf(file, tree, { architecture, env });
  if (interpreters.length === 0) {
    const hint = 'Begin it with #! and the path of its interpreter, or name a program.';
    return problem('workload-command-format', `${program} is neither an ELF program nor a script with #!`, hint);
  }
  const missing = interpreters.find((path) => tree.follow(path).end === undefined);
  if (missing === undefined) return [];
  const message = `${program} begins with #! and ${missing}, which is in no package of the workload`;
  return problem('workload-interpreter-missing', message, `Add the package that has ${missing}.`);
}
