import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { boardFile } from '../boards/board-file.js';
import type { BoardRead } from '../boards/load-board.js';
import { readBoard } from '../boards/load-board.js';
import { loadChainFile } from '../chain/load-chain-file.js';
import { byPlace } from '../chain-problems.js';
import { fromCwd } from '../from-cwd.js';
import type { ConfigPlaces } from '../places.js';
import type { SystemRead } from '../systems/load-system.js';
import { readSystem } from '../systems/load-system.js';
import { DEFAULT_SYSTEM, LAYERED_SYSTEM, systemFile } from '../systems/system-file.js';
import { imageSpec } from './image-spec.js';
import { checkRootMemory } from './root-rules.js';
import type { ImageFlags } from './resolve-image.js';
import { resolveImage } from './resolve-image.js';

/** What an image is asked for with. */
export type ImageOptions = Omit<ImageFlags, 'layers'> & {
  /** Id or path. */
  readonly board: string;
  /** Id or path; by default `debian`, or `layered` where the board or a file has layers. */
  readonly system?: string | undefined;
  /** Files that list layers over those of the system and the board; absolute. */
  readonly layerFiles?: readonly string[];
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
 * Codes: those of `readBoard`, `readSystem`, `loadChainFile` and `resolveImage`.
 */
export async function checkImage(options: ImageOptions, places: ConfigPlaces): Promise<ImageCheck> {
  const { loaded: board, problems: ofBoard } = await readBoard(
    await boardFile(options.board, places),
    places.boardsDir,
  );
  const files = await Promise.all((options.layerFiles ?? []).map(loadChainFile));
  const layers = files.flatMap((one) => one.layers);
  const isLayered = layers.length > 0 || (board?.statements.chain.length ?? 0) > 0;
  const { loaded: system, problems: ofSystem } = await readSystem(
    await systemFile(options.system ?? (isLayered ? LAYERED_SYSTEM : DEFAULT_SYSTEM), places),
    places.systemsDir,
  );
  if (board === undefined || system === undefined)
    return { problems: [...ofBoard, ...ofSystem, ...files.flatMap((one) => one.problems)] };

  const statements = { system: system.statements, board: board.statements };
  const firmwareFiles = board.board.firmware?.files ?? [];
  const { resolved, problems: ofImage } = await resolveImage(
    statements,
    firmwareFiles,
    { ...options, layers },
    places.layersDir,
  );
  const ofRoot = checkRootMemory(board.statements.root ?? system.statements.root, board.board);
  const problems = [...ofBoard, ...ofSystem, ...files.flatMap((one) => one.problems), ...ofImage, ...ofRoot].sort(
    byPlace,
  );
  if (problems.length > 0) return { problems };
  const spec = imageSpec(board.board.id, system.id, resolved);
  return {
    image: { spec: { ...spec, board: board.board }, image: spec, board, system },
    problems,
  };
}
