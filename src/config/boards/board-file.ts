import { join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { ConfigPlaces } from '../places.js';
import { namesIn } from '../present.js';
import { didYouMean } from '../wording.js';

/** The file of a shipped board, by its id, or of one's own, by its path. Throws UserError `unknown-board`. */
export async function boardFile(
  idOrPath: string,
  { boardsDir, cwd }: Pick<ConfigPlaces, 'boardsDir' | 'cwd'>,
): Promise<string> {
  if (/[/\\]|\.ya?ml$/.test(idOrPath)) return resolve(cwd, idOrPath);
  const ids = await namesIn(boardsDir, '.yaml');
  if (ids.includes(idOrPath)) return join(boardsDir, `${idOrPath}.yaml`);
  const meant = didYouMean(idOrPath, ids);
  throw new UserError('unknown-board', `there is no board "${idOrPath}"`, {
    hints: [
      ...(meant?.startsWith('Did') === true ? [meant] : []),
      `Known: ${ids.join(', ')}. A board file of your own is given with its path: ./${idOrPath}.yaml`,
    ],
  });
}
