import { UserError, type Problem } from '../../errors.js';
import { fromCwd } from '../from-cwd.js';
import type { ConfigPlaces } from '../places.js';
import { namesIn } from '../present.js';
import { readWorkload, type WorkloadRead } from '../workloads/load-workload.js';
import { workloadFile } from '../workloads/workload-file.js';

/** Where workloads are looked for. */
export type WorkloadPlaces = Pick<ConfigPlaces, 'workloadsDir' | 'cwd'>;

/** A workload by its id or path. Throws UserError `unknown-workload`, or every problem of its files. */
export async function findWorkload(idOrPath: string, places: WorkloadPlaces): Promise<WorkloadRead> {
  const { loaded, problems } = await readWorkload(await workloadFile(idOrPath, places), places.workloadsDir);
  if (loaded === undefined || problems.length > 0) {
    throw UserError.fromProblems(problems.map((problem) => fromCwd(problem, places.cwd)));
  }
  return loaded;
}

/** All shipped workloads, by id. */
export async function listWorkloads(places: WorkloadPlaces): Promise<readonly WorkloadRead[]> {
  const ids = await namesIn(places.workloadsDir, '.yaml');
  return Promise.all(ids.map((id) => findWorkload(id, places)));
}

/** Checks workloads and reports all problems of all of them. Without names: the shipped ones. */
export async function validateWorkloads(
  idsOrPaths: readonly string[],
  places: WorkloadPlaces,
): Promise<readonly WorkloadRead[]> {
  const names = idsOrPaths.length === 0 ? await namesIn(places.workloadsDir, '.yaml') : idsOrPaths;
  const valid: WorkloadRead[] = [];
  const found = new Map<string, Problem>();
  for (const name of names) {
    const { loaded, problems } = await readWorkload(await workloadFile(name, places), places.workloadsDir);
    if (loaded !== undefined) valid.push(loaded);
    for (const problem of problems) found.set(JSON.stringify(problem), fromCwd(problem, places.cwd));
  }
  if (found.size > 0) throw UserError.fromProblems([...found.values()]);
  return valid;
}
