import { UserError, type Problem } from '../../errors.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { byPlace } from '../chain-problems.js';
import { fromCwd } from '../from-cwd.js';
import { imageSpec } from '../image/image-spec.js';
import { resolveImage } from '../image/resolve-image.js';
import type { ConfigPlaces } from '../places.js';
import { namesIn } from '../present.js';
import { readSystem, type SystemRead } from '../systems/load-system.js';
import { systemFile } from '../systems/system-file.js';

export type LoadedSystem = SystemRead & {
  /** What an image with it has where the board says nothing of it. */
  readonly image: Omit<ImageSpec, 'board'>;
};

/** A system by its id or path. Throws UserError `unknown-system`, or every problem of its files. */
export async function findSystem(idOrPath: string, places: ConfigPlaces): Promise<LoadedSystem> {
  const { loaded, problems } = await checkSystem(idOrPath, places);
  if (loaded === undefined) throw UserError.fromProblems(problems.map((problem) => fromCwd(problem, places.cwd)));
  return loaded;
}

/** All shipped systems, by id. */
export async function listSystems(places: ConfigPlaces): Promise<readonly LoadedSystem[]> {
  const ids = await namesIn(places.systemsDir, '.yaml');
  return Promise.all(ids.map((id) => findSystem(id, places)));
}

/** Checks systems and reports all problems of all of them. Without names: the shipped ones. */
export async function validateSystems(
  idsOrPaths: readonly string[],
  places: ConfigPlaces,
): Promise<readonly LoadedSystem[]> {
  const names = idsOrPaths.length === 0 ? await namesIn(places.systemsDir, '.yaml') : idsOrPaths;
  const valid: LoadedSystem[] = [];
  const found = new Map<string, Problem>();
  for (const name of names) {
    const { loaded, problems } = await checkSystem(name, places);
    if (loaded !== undefined) valid.push(loaded);
    for (const problem of problems) found.set(JSON.stringify(problem), fromCwd(problem, places.cwd));
  }
  if (found.size > 0) throw UserError.fromProblems([...found.values()]);
  return valid;
}

type SystemCheck = { readonly loaded?: LoadedSystem; readonly problems: readonly Problem[] };

/** A system by itself, as on a board that says nothing of the image and has no firmware on the drive. */
async function checkSystem(idOrPath: string, places: ConfigPlaces): Promise<SystemCheck> {
  const { loaded, problems } = await readSystem(await systemFile(idOrPath, places), places.systemsDir);
  if (loaded === undefined) return { problems };
  const { resolved, problems: ofImage } = await resolveImage({ system: loaded.statements }, [], {}, places.layersDir);
  const all = [...problems, ...ofImage].sort(byPlace);
  if (all.length > 0) return { problems: all };
  return { loaded: { ...loaded, image: imageSpec(loaded.id, loaded.id, resolved) }, problems: [] };
}
