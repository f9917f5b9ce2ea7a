import { UserError } from '../../errors.js';
import type { Workload } from '../../model/workload.js';

/** What apt says of a workload's packages, with the architecture and the place where they are asked for. */
export async function blamePackages<T>(
  { packages, at }: Workload,
  architecture: string,
  resolve: () => Promise<T>,
): Promise<T> {
  try {
    return await resolve();
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'unknown-package') throw error;
    const problems = error.problems.map((problem) => {
      const isOurs = packages.some((word) => problem.message.includes(`"${word.split(/[=/]/)[0] ?? word}"`));
      return isOurs ? { ...problem, message: `${problem.message} for ${architecture}`, ...at.packages } : problem;
    });
    throw UserError.fromProblems(problems);
  }
}
