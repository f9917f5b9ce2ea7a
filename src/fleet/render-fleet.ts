import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asMapping, readSeedYaml } from '../seeds/yaml/cloud-init-yaml.js';
import { finishSeed } from '../seeds/compose/finish-seed.js';
import { SEED_FILE_NAMES, type Seed } from '../seeds/text/seed.js';
import { seedDigest } from '../seeds/seed-digest.js';
import { checkFleet, type CheckedFleet, type FleetOptions, type SeedBase } from './check-fleet.js';
import { replaceFolder } from './fleet-output.js';

export type RenderedFleet = CheckedFleet & {
  readonly out: string;
  readonly rendered: readonly { readonly device: string; readonly instanceId: string; readonly seedSha256: string }[];
  /** Devices with config.txt lines or files, which are no part of a seed. */
  readonly incomplete: readonly string[];
};

/**
 * Writes each device's seed into a folder of its own below `out`: user-data, meta-data, network-config, for its owner's
 * eyes only. All or none, and the same fleet gives the same bytes. Throws what checkFleet and replaceFolder throw.
 */
export async function renderFleet(
  options: FleetOptions & { readonly out: string },
  base: SeedBase,
  signal: AbortSignal,
): Promise<RenderedFleet> {
  const rendered: RenderedFleet['rendered'][number][] = [];
  const incomplete: string[] = [];
  let checked: CheckedFleet = { devices: 0, warnings: [] };
  await replaceFolder(options.out, 'seeds', { keep: options.only !== undefined }, async ({ folder, add }) => {
    checked = await checkFleet(options, base, signal, async ({ device: { name }, identity, files }) => {
      const seed = finishSeed(files);
      await writeSeed(join(folder, name), seed);
      const entry = { instanceId: instanceIdOf(seed), seedSha256: seedDigest(seed) };
      add(name, { ...entry, path: name });
      rendered.push({ device: name, ...entry });
      if ((identity.configTxt ?? []).length > 0 || (identity.files ?? []).length > 0) incomplete.push(name);
    });
  });
  return { ...checked, out: options.out, rendered, incomplete };
}

async function writeSeed(folder: string, { userData, metaData, networkConfig }: Seed): Promise<void> {
  await mkdir(folder, { mode: 0o700, recursive: true });
  const write = async (name: string, text: string): Promise<void> =>
    writeFile(join(folder, name), text, { mode: 0o600 });
  await write(SEED_FILE_NAMES.userData, userData);
  await write(SEED_FILE_NAMES.metaData, metaData);
  if (networkConfig !== undefined) await write(SEED_FILE_NAMES.networkConfig, networkConfig);
}

function instanceIdOf({ metaData }: Seed): string {
  const id = asMapping(readSeedYaml({ file: SEED_FILE_NAMES.metaData, text: metaData }).value)?.['instance-id'];
  return typeof id === 'string' ? id : '';
}
