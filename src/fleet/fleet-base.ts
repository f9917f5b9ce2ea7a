import { join } from 'node:path';
import { readDefaultSeed } from '../seeds/compose/read-seed.js';
import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { SeedBase } from './check-fleet.js';
import { obtainCloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';

export type FleetBaseOptions = {
  /** Where cloud-init/ lies. */
  readonly projectDir: string;
  readonly workingFolder: string;
  readonly offline: boolean;
};

/** The default seed, and the schemas of the cloud-init that images get: from the store, or fetched now. */
export async function fleetBase(options: FleetBaseOptions, host: Host, reporter: Reporter): Promise<SeedBase> {
  const seed = await readDefaultSeed(join(options.projectDir, 'cloud-init'));
  return { seed, schemas: await obtainCloudInitSchemas(options, host, reporter) };
}
