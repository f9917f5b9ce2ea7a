import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { boardSchema } from '../schemas/board-schema.js';
import { newBoardText } from '../boards/new-board.js';
import { UserError } from '../../errors.js';
import { extendsText } from '../extends-text.js';
import type { ConfigPlaces } from '../places.js';
import { findBoard, validateBoards } from './boards.js';

export type NewBoard = { readonly id: string; readonly from: string; readonly file: string };

/**
 * Writes the definition of a new board, which extends a shipped one: `<id>.yaml`, or `file`. Throws UserError
 * `board-id-invalid`, `board-exists`, `unknown-board`.
 */
export async function newBoard(
  id: string,
  options: { readonly from: string; readonly file?: string; readonly schema: string },
  places: ConfigPlaces,
): Promise<NewBoard> {
  const checked = boardSchema.shape.id.safeParse(id);
  if (!checked.success) {
    throw new UserError('board-id-invalid', `"${id}" cannot be the id of a board`, {
      hints: ['Small letters, digits and -, at most 32, for example kiosk-2.'],
    });
  }
  const { board } = await findBoard(options.from, places);
  const file = resolve(places.cwd, options.file ?? `${id}.yaml`);
  const isShipped = (await findBoard(id, places).catch(() => undefined)) !== undefined;
  if (isShipped) {
    throw new UserError('board-exists', `"${id}" is the id of a shipped board`, {
      hints: ['Two boards of one id would be found as each other’s root partition. Take another one.'],
    });
  }
  await write(file, newBoardText(id, extendsText(options.from, file, places.cwd), board, options.schema));
  await validateBoards([file], places);
  return { id, from: board.id, file };
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UserError('board-exists', `${file} exists already`, { hints: ['Name another one with --output.'] });
    }
    throw new UserError('output-not-writable', `${file} cannot be written`, { cause: error });
  }
}

/** Where an editor finds the schema. */
export function schemaPath(boardsDir: string): string {
  return join(boardsDir, 'board.schema.json');
}
