import { join } from 'node:path';
import { readDefaultSeed } from '../seeds/read-seed.js';
import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { SeedBase } from './check-fleet.js';
import { obtainCloudInitSchemas } from '../build/cloud-init-schemas.js';

export type FleetBaseOptions = {
  /** Where cloud-init/ and boards/ lie. */
  readonly projectDir: string;
  readonly workingFolder: string;
  readonly offline: boolean;
};

/** The cloud-init that checks a fleet's seeds: every board's image has the same. */
const BOARD = 'rpi4';

/** The default seed, and the schemas of the cloud-init that images get: from the store, or fetched now. */
export async function fleetBase(options: FleetBaseOptions, host: Host, reporter: Reporter): Promise<SeedBase> {
  const seed = await readDefaultSeed(join(options.projectDir, 'cloud-init'));
  return { seed, schemas: await obtainCloudInitSchemas({ ...options, board: BOARD }, host, reporter) };
}
