import { checkSeed } from '../seeds/check-seed.js';
import { loadCloudInitSchemas } from '../seeds/cloud-init-schemas.js';
import { hashPasswordCommand, type PasswordHash } from '../seeds/passwords.js';
import type { SeedFiles } from '../seeds/seed.js';
import { describeProblem, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Engine } from '../pipeline/engine.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { CloudInitSchemaInput } from '../tools/cloud-init-schema.js';
import { cloudInitSchemaStage } from '../tools/cloud-init-schema.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { Packages } from '../sources/debian/packages-of-image.js';

/**
 * Checks a seed by the schemas of the cloud-init that will read it on the device. Throws UserError with every problem;
 * warnings are told and do not stop anything.
 */
export async function checkAgainstSchemas(
  engine: Engine,
  seed: SeedFiles,
  schemas: CloudInitSchemaInput,
  packages: Packages,
  reporter: Reporter,
): Promise<void> {
  const entry = await engine.obtain(cloudInitSchemaStage, schemas, packages.fetcher([packages.deb(schemas.deb.name)]));
  const { problems, warnings } = checkSeed(seed, await loadCloudInitSchemas(entry.path));
  if (problems.length > 0) throw UserError.fromProblems(problems);
  for (const { hint, ...warning } of warnings) {
    reporter.emit({ type: 'warning', text: describeProblem(warning), ...(hint === undefined ? {} : { hint }) });
  }
}

/** Hashes with the tools' openssl. The password goes through stdin: arguments can be read by every process. */
export function passwordHash(tools: ToolsTree, host: Host): PasswordHash {
  return async (password, salt) => {
    const { stdout } = await host.runIn({ root: tools.root }, hashPasswordCommand(password, salt));
    return stdout.trim();
  };
}
