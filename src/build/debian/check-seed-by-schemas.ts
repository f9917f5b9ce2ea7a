import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { checkSeed } from '../../seeds/check-seed.js';
import type { CloudInitSchemas } from '../../seeds/schemas/cloud-init-schemas.js';
import { netplanVerdict } from '../../seeds/network/netplan-verdict.js';
import type { SeedFiles } from '../../seeds/text/seed.js';
import { reportWarnings } from '../report-warnings.js';
import { netplanRefusal, type Netplan } from '../../tools/netplan-generator.js';

/**
 * Checks a seed by the schemas of the cloud-init that will read it on the device. Throws UserError with every problem;
 * warnings are reported and do not stop anything.
 */
export function checkSeedBySchemas(seed: SeedFiles, schemas: CloudInitSchemas, reporter: Reporter): void {
  const { problems, warnings } = checkSeed(seed, schemas);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  reportWarnings(warnings, reporter);
}

/** Asks the netplan that will read the network-config on the device. Throws UserError `netplan-refuses`. */
export async function checkNetworkByNetplan(seed: SeedFiles, netplan: Netplan | undefined, host: Host): Promise<void> {
  if (netplan === undefined || seed.networkConfig === undefined) return;
  const { problems } = await netplanVerdict(seed.networkConfig, (text) => netplanRefusal(text, netplan, host));
  if (problems.length > 0) throw UserError.fromProblems(problems);
}
