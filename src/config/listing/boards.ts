import { UserError, type Problem } from '../../errors.js';
import type { Board } from '../../model/board.js';
import { fromCwd } from '../from-cwd.js';
import { checkImage } from '../image/read-image-spec.js';
import type { ConfigPlaces } from '../places.js';
import { boardFile } from '../boards/board-file.js';
import { readBoard } from '../boards/load-board.js';
import { namesIn } from '../present.js';
import type { BoardDefinition } from '../schemas/board-schema.js';

/** Where boards are looked for. */
export type BoardPlaces = Pick<ConfigPlaces, 'boardsDir' | 'cwd'>;

export type LoadedBoard = {
  readonly board: Board;
  /** The board as its files say it, merged and with defaults: what a file without `extends` would hold. */
  readonly definition: BoardDefinition;
  /** The board's file and the ones that it extends, nearest first. */
  readonly files: readonly string[];
};

/**
 * The hardware of a shipped board, by its id, or of a board file, by its path ("./my-board.yaml"); what it says over its
 * system is held against none. Throws UserError `unknown-board`, or every problem of the file and of those that it extends.
 */
export async function findBoard(idOrPath: string, places: BoardPlaces): Promise<LoadedBoard> {
  const { loaded, problems } = await readBoard(await boardFile(idOrPath, places), places.boardsDir);
  if (loaded === undefined || problems.length > 0) {
    throw UserError.fromProblems(problems.map((problem) => fromCwd(problem, places.cwd)));
  }
  return loaded;
}

/** All shipped boards, by id. */
export async function listBoards(places: BoardPlaces): Promise<readonly LoadedBoard[]> {
  const ids = await namesIn(places.boardsDir, '.yaml');
  return Promise.all(ids.map((id) => findBoard(id, places)));
}

/** Checks boards and reports all problems of all of them. Without names: the shipped ones. */
export async function validateBoards(
  idsOrPaths: readonly string[],
  places: ConfigPlaces,
  system?: string,
): Promise<readonly LoadedBoard[]> {
  const names = idsOrPaths.length === 0 ? await namesIn(places.boardsDir, '.yaml') : idsOrPaths;
  const valid: LoadedBoard[] = [];
  const found = new Map<string, Problem>();
  for (const name of names) {
    const { loaded, problems } = await checkBoard(name, places, system);
    if (loaded !== undefined) valid.push(loaded);
    // Boards that extend the same family share its problems; each is told once.
    for (const problem of problems) found.set(JSON.stringify(problem), fromCwd(problem, places.cwd));
  }
  if (found.size > 0) throw UserError.fromProblems([...found.values()]);
  return valid;
}

type BoardCheck = { readonly loaded?: LoadedBoard; readonly problems: readonly Problem[] };

async function checkBoard(idOrPath: string, places: ConfigPlaces, system?: string): Promise<BoardCheck> {
  const { image, problems } = await checkImage({ board: idOrPath, system }, places);
  if (image === undefined) return { problems };
  const { definition, files } = image.board;
  return { loaded: { board: image.spec.board, definition, files }, problems };
}
