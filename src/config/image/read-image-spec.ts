import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { boardFile } from '../boards/board-file.js';
import type { BoardRead } from '../boards/load-board.js';
import { readBoard } from '../boards/load-board.js';
import { byPlace } from '../chain-problems.js';
import { fromCwd } from '../from-cwd.js';
import type { ConfigPlaces } from '../places.js';
import type { SystemRead } from '../systems/load-system.js';
import { readSystem } from '../systems/load-system.js';
import { DEFAULT_SYSTEM, systemFile } from '../systems/system-file.js';
import { imageSpec } from './image-spec.js';
import { checkRootMemory } from './root-rules.js';
import type { ImageFlags } from './resolve-image.js';
import { resolveImage } from './resolve-image.js';

/** What an image is asked for with. */
export type ImageOptions = ImageFlags & {
  /** Id or path. */
  readonly board: string;
  /** Id or path; `debian` by default. */
  readonly system?: string | undefined;
};

export type ImageRead = {
  readonly spec: ImageSpec;
  /** The same without the hardware, for showing. */
  readonly image: Omit<ImageSpec, 'board'>;
  readonly board: BoardRead;
  readonly system: SystemRead;
};

export type ImageCheck = { readonly image?: ImageRead; readonly problems: readonly Problem[] };

/** Throws UserError `unknown-board`, `unknown-system`, or every problem of the files. */
export async function readImageSpec(options: ImageOptions, places: ConfigPlaces): Promise<ImageRead> {
  const { image, problems } = await checkImage(options, places);
  if (image === undefined) {
    throw UserError.fromProblems(problems.map((problem) => fromCwd(problem, places.cwd)));
  }
  return image;
}

/**
 * Reads a board and a system and holds them against each other. Throws UserError `unknown-board`, `unknown-system`.
 * Codes: those of `readBoard`, `readSystem` and `resolveImage`.
 */
export async function checkImage(options: ImageOptions, places: ConfigPlaces): Promise<ImageCheck> {
  const { loaded: board, problems: ofBoard } = await readBoard(
    await boardFile(options.board, places),
    places.boardsDir,
  );
  const { loaded: system, problems: ofSystem } = await readSystem(
    await systemFile(options.system ?? DEFAULT_SYSTEM, places),
    places.systemsDir,
  );
  if (board === undefined || system === undefined) return { problems: [...ofBoard, ...ofSystem] };

  const statements = { system: system.statements, board: board.statements };
  const firmwareFiles = board.board.firmware?.files ?? [];
  const { resolved, problems: ofImage } = await resolveImage(statements, firmwareFiles, options, places.layersDir);
  const ofRoot = checkRootMemory(board.statements.root ?? system.statements.root, board.board);
  const problems = [...ofBoard, ...ofSystem, ...ofImage, ...ofRoot].sort(byPlace);
  if (problems.length > 0) return { problems };
  const spec = imageSpec(board.board.id, system.id, resolved);
  return {
    image: { spec: { ...spec, board: board.board }, image: spec, board, system },
    problems,
  };
}
