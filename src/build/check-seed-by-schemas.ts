import { describeProblem, UserError } from '../errors.js';
import type { Reporter } from '../pipeline/reporter.js';
import { checkSeed } from '../seeds/check-seed.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import type { SeedFiles } from '../seeds/text/seed.js';

/**
 * Checks a seed by the schemas of the cloud-init that will read it on the device. Throws UserError with every problem;
 * warnings are reported and do not stop anything.
 */
export function checkSeedBySchemas(seed: SeedFiles, schemas: CloudInitSchemas, reporter: Reporter): void {
  const { problems, warnings } = checkSeed(seed, schemas);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  for (const { hint, ...warning } of warnings) {
    reporter.emit({ type: 'warning', text: describeProblem(warning), ...(hint === undefined ? {} : { hint }) });
  }
}
