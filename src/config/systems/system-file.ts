import { join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { ConfigPlaces } from '../places.js';
import { namesIn } from '../present.js';
import { didYouMean } from '../wording.js';

/** What an image has where nothing else is said. */
export const DEFAULT_SYSTEM = 'debian';
/** What it has where the board or `--layers` lists layers. */
export const LAYERED_SYSTEM = 'layered';

/** The file of a shipped system, by its id, or of one's own, by its path. Throws UserError `unknown-system`. */
export async function systemFile(
  idOrPath: string,
  { systemsDir, cwd }: Pick<ConfigPlaces, 'systemsDir' | 'cwd'>,
): Promise<string> {
  if (/[/\\]|\.ya?ml$/.test(idOrPath)) return resolve(cwd, idOrPath);
  const ids = await namesIn(systemsDir, '.yaml');
  if (ids.includes(idOrPath)) return join(systemsDir, `${idOrPath}.yaml`);
  const meant = didYouMean(idOrPath, ids);
  throw new UserError('unknown-system', `there is no system "${idOrPath}"`, {
    hints: [
      ...(meant?.startsWith('Did') === true ? [meant] : []),
      `Known: ${ids.join(', ')}. A system file of your own is given with its path: ./${idOrPath}.yaml`,
    ],
  });
}
