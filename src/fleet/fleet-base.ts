import { join } from 'node:path';
import { findSystem } from '../config/listing/systems.js';
import { configPlaces } from '../config/places.js';
import { UserError } from '../errors.js';
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
  /** Id or path of the system that the devices have; where there is an image, that says so itself. */
  readonly system?: string | undefined;
};

/** The default seed, and the schemas of the cloud-init that images get: from the store, or fetched now. */
export async function fleetBase(options: FleetBaseOptions, host: Host, reporter: Reporter): Promise<SeedBase> {
  const seed = await readDefaultSeed(join(options.projectDir, 'cloud-init'));
  const { system } = options;
  const places = configPlaces(options.projectDir, options.workingFolder);
  const userland = system === undefined ? undefined : (await findSystem(system, places)).statements.userland?.value;
  if (userland === 'workload') throw readsNoSeed(system ?? '');
  if (userland === 'busybox') return { seed, isTiny: true };
  return { seed, schemas: await obtainCloudInitSchemas(options, host, reporter) };
}

function readsNoSeed(system: string): UserError {
  return new UserError('userland-unfit', `Devices with the system ${system} read no seed`, {
    hints: ['Put settings into the files or the environment of its workload.'],
  });
}
