import { join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { ConfigPlaces } from '../places.js';
import { namesIn } from '../present.js';
import { didYouMean } from '../wording.js';

/** The file of a shipped workload, by its id, or of one's own, by its path. Throws UserError `unknown-workload`. */
export async function workloadFile(
  idOrPath: string,
  { workloadsDir, cwd }: Pick<ConfigPlaces, 'workloadsDir' | 'cwd'>,
): Promise<string> {
  if (/[/\\]|\.ya?ml$/.test(idOrPath)) return resolve(cwd, idOrPath);
  const ids = await namesIn(workloadsDir, '.yaml');
  if (ids.includes(idOrPath)) return join(workloadsDir, `${idOrPath}.yaml`);
  const meant = didYouMean(idOrPath, ids);
  throw new UserError('unknown-workload', `there is no workload "${idOrPath}"`, {
    hints: [
      ...(meant?.startsWith('Did') === true ? [meant] : []),
      `Known: ${ids.join(', ')}. A workload file of your own is given with its path: ./${idOrPath}.yaml`,
    ],
  });
}
