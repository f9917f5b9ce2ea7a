import { readdir } from 'node:fs/promises';
import { join, parse, relative, resolve } from 'node:path';
import { checkBoard, type LoadedBoard } from './load-board.js';
import { didYouMean } from '../wording.js';
import { UserError, type Problem } from '../../errors.js';

/** Where boards are looked for. */
export type BoardPlaces = {
  /** The shipped boards; `families/` and `kernel/` lie below. */
  readonly boardsDir: string;
  /** Paths that a person types begin here. */
  readonly cwd: string;
};

/**
 * A shipped board by its id or a board file by its path ("./my-board.yaml"). Throws UserError `unknown-board`, or every
 * problem of the file and of those that it extends.
 */
export async function findBoard(idOrPath: string, places: BoardPlaces): Promise<LoadedBoard> {
  const file = await boardFile(idOrPath, places);
  const { loaded, problems } = await checkBoard(file, places.boardsDir);
  if (loaded === undefined) throw UserError.fromProblems(problems.map((problem) => fromCwd(problem, places.cwd)));
  return loaded;
}

/** All shipped boards, by id. */
export async function listBoards(places: BoardPlaces): Promise<readonly LoadedBoard[]> {
  const ids = await shippedIds(places.boardsDir);
  return Promise.all(ids.map((id) => findBoard(id, places)));
}

/** Checks boards and reports all problems of all of them. Without names: the shipped ones. */
export async function validateBoards(
  idsOrPaths: readonly string[],
  places: BoardPlaces,
): Promise<readonly LoadedBoard[]> {
  const names = idsOrPaths.length === 0 ? await shippedIds(places.boardsDir) : idsOrPaths;
  const valid: LoadedBoard[] = [];
  const found = new Map<string, Problem>();
  for (const name of names) {
    const { loaded, problems } = await checkBoard(await boardFile(name, places), places.boardsDir);
    if (loaded !== undefined) valid.push(loaded);
    // Boards that extend the same family share its problems; each is told once.
    for (const problem of problems) found.set(JSON.stringify(problem), fromCwd(problem, places.cwd));
  }
  if (found.size > 0) throw UserError.fromProblems([...found.values()]);
  return valid;
}

async function boardFile(idOrPath: string, { boardsDir, cwd }: BoardPlaces): Promise<string> {
  if (/[/\\]|\.ya?ml$/.test(idOrPath)) return resolve(cwd, idOrPath);
  const ids = await shippedIds(boardsDir);
  if (ids.includes(idOrPath)) return join(boardsDir, `${idOrPath}.yaml`);
  const meant = didYouMean(idOrPath, ids);
  throw new UserError('unknown-board', `there is no board "${idOrPath}"`, {
    hints: [
      ...(meant?.startsWith('Did') === true ? [meant] : []),
      `Known: ${ids.join(', ')}. A board file of your own is given with its path: ./${idOrPath}.yaml`,
    ],
  });
}

async function shippedIds(boardsDir: string): Promise<string[]> {
  const entries = await readdir(boardsDir);
  return entries
    .filter((entry) => entry.endsWith('.yaml'))
    .map((entry) => parse(entry).name)
    .sort();
}

/** Paths below the working directory are shorter to read and as clickable. */
export function fromCwd(problem: Problem, cwd: string): Problem {
  if (problem.file === undefined) return problem;
  const shorter = relative(cwd, problem.file);
  return shorter.startsWith('..') ? problem : { ...problem, file: shorter };
}
