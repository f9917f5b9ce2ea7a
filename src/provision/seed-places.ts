import { basename } from 'node:path';
import { asMapping, readSeedYaml } from '../seeds/yaml/cloud-init-yaml.js';
import type { SeedFile } from '../seeds/text/seed.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import { cmdlineInstanceId } from '../formats/command-line.js';
import type { Problem } from '../errors.js';
import type { Host } from '../host/host.js';
import { openBootPartition } from '../images/edit-boot-files.js';
import { systemOfBootVolume, type MarkedSystem } from '../images/system-marker.js';
import { withRawImage } from '../images/raw-image.js';

export type SeedKind = keyof typeof SEED_FILE_NAMES;

/** What cloud-init reads beside a user-data, as defaults that it overrules. */
export const VENDOR_DATA = 'vendor-data';

/** One file of a seed, and what it was found to be. */
export type FoundSeedFile = { readonly kind: SeedKind; readonly file: SeedFile };

/** A place that a device might read a seed from: what of it was found, and what else lies there. */
export type SeedPlace = {
  /** A folder's ends in "/", an image's in ":", so that a name can follow. */
  readonly prefix: string;
  readonly found: readonly FoundSeedFile[];
  readonly names: readonly string[];
};

export function seedKinds(): SeedKind[] {
  return Object.keys(SEED_FILE_NAMES) as SeedKind[];
}

/** `user-data`, `my-user-data.yaml`, `network-config-v1.yaml`. */
export function kindByName(path: string): SeedKind | undefined {
  const name = basename(path).toLowerCase().replaceAll('_', '-');
  return seedKinds().find((kind) => name.includes(SEED_FILE_NAMES[kind]));
}

/** Reads the seed that lies in an image, packed or not, or on a card. Throws what withRawImage and openBootPartition throw. */
export async function seedOfImage(
  path: string,
  name: string,
  host: Host,
): Promise<
  SeedPlace & { readonly warnings: readonly Problem[]; readonly vendorData?: SeedFile; readonly system?: MarkedSystem }
> {
  return withRawImage(path, host, async ({ read, sizeBytes, sectorSizeBytes }) => {
    const view = await openBootPartition(read, sizeBytes, name, sectorSizeBytes);
    const found: FoundSeedFile[] = [];
    for (const kind of seedKinds()) {
      const bytes = await view.readFile(SEED_FILE_NAMES[kind]);
      if (bytes === undefined) continue;
      const file = `${name}:${SEED_FILE_NAMES[kind]}`;
      found.push({ kind, file: { file, text: Buffer.from(bytes).toString('utf8') } });
    }
    const cmdline = await view.readFile('cmdline.txt');
    const warnings = cmdline === undefined ? [] : twoInstances(name, Buffer.from(cmdline).toString('utf8'), found);
    const vendor = await view.readFile(VENDOR_DATA);
    const vendorData = vendor && { file: `${name}:${VENDOR_DATA}`, text: Buffer.from(vendor).toString('utf8') };
    const system = await systemOfBootVolume(view);
    const marked = system === undefined ? {} : { system };
    const place = { prefix: `${name}:`, found, names: await view.names(), warnings, ...marked };
    return vendorData === undefined ? place : { ...place, vendorData };
  });
}

function twoInstances(image: string, cmdline: string, found: readonly FoundSeedFile[]): Problem[] {
  const id = cmdlineInstanceId(cmdline);
  const metaData = found.find(({ kind }) => kind === 'metaData')?.file;
  const other = metaData === undefined ? undefined : asMapping(readSeedYaml(metaData).value)?.['instance-id'];
  if (id === undefined || typeof other !== 'string' || id === other) return [];
  const message = `the instance-id "${id}" of cmdline.txt wins over "${other}" of meta-data: a change of the latter does nothing`;
  const hint = 'Use `reseed` or `inject`: they change both.';
  return [{ code: 'seed-two-instance-ids', message, hint, file: `${image}:cmdline.txt`, line: 1, column: 1 }];
}

/** cloud-init takes a medium for a seed only when it has both. */
export function missingFiles({ prefix, found }: SeedPlace): Problem[] {
  const missing = (['userData', 'metaData'] as const).filter((kind) => !found.some((one) => one.kind === kind));
  return missing.map((kind) => ({
    code: 'seed-file-missing',
    message: `there is no ${SEED_FILE_NAMES[kind]}: cloud-init takes nothing from a card without it`,
    hint: 'It may be empty, but for the instance-id of the meta-data; `inject` writes both.',
    file: prefix.slice(0, -1),
  }));
}

/** `user-data.txt`, `network_config`: what an editor or a person makes of a name that must be exact. */
export function wrongNames({ prefix, found, names }: SeedPlace): Problem[] {
  return names.flatMap((name): Problem[] => {
    const kind = kindByName(name);
    if (kind === undefined || name === SEED_FILE_NAMES[kind] || found.some((one) => one.kind === kind)) return [];
    const message = `a device would not read ${name}: the file must be called ${SEED_FILE_NAMES[kind]}`;
    return [{ code: 'seed-file-name', message, hint: 'Rename it.', file: `${prefix}${name}` }];
  });
}
