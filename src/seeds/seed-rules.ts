import { checkSeed } from './check-seed.js';
import type { CloudInitSchemas } from './schemas/cloud-init-schemas.js';
import type { Findings } from './text/findings.js';
import type { SeedFiles } from './text/seed.js';
import { checkTinySeed, TINY_DEFAULT_SEED } from './tiny/check-tiny-seed.js';

/** How the device reads its seed: what an image has where nobody asks for more, and what is wrong with a seed. */
export type SeedRules = {
  readonly defaults: SeedFiles;
  check(files: SeedFiles): Findings;
};

/** Of systems with cloud-init. @param defaults the project's `cloud-init/` */
export function cloudInitRules(defaults: SeedFiles, schemas?: CloudInitSchemas): SeedRules {
  return { defaults, check: (files) => checkSeed(files, schemas) };
}

/** Of tiny systems, whose init reads a part of what cloud-init does. */
export function tinyRules(hasSsh = true): SeedRules {
  return { defaults: TINY_DEFAULT_SEED, check: (files) => checkTinySeed(files, hasSsh) };
}
