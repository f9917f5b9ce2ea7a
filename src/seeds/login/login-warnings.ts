import type { Problem } from '../../errors.js';
import { asMapping, readSeedYaml } from '../yaml/cloud-init-yaml.js';
import { archiveParts } from '../parts/archive-parts.js';
import { mimeParts } from '../parts/mime-parts.js';
import { partKind, type Part } from '../parts/parts.js';
import type { SeedFile } from '../text/seed.js';
import { userDataKind, type UserDataKind } from '../text/user-data-header.js';
import { publicKeysOf } from './public-keys.js';
import { loginFindings } from './login-findings.js';
import type { Mapping } from './plain-values.js';
import { loginsOf, type WayIn } from './ways-in.js';

/**
 * Whether anybody can log in, for a seed or for a user-data on its own; what is wrong with the files themselves has
 * been said before. Nothing where a program or an address may do what is not seen here.
 */
export function loginWarnings(userData: SeedFile, metaData?: SeedFile, vendorData?: SeedFile): Problem[] {
  const config = configOf(userData);
  const vendor = vendorData === undefined ? {} : configOf(vendorData);
  if (config === undefined || vendor === undefined) return [];
  const isWhole = typeof userDataKind(userData) === 'string' && isConfig(userDataKind(userData) as UserDataKind);
  // One of several parts that says nothing of users is none's whole seed.
  if (metaData === undefined && !isWhole && !ACCOUNT_KEYS.some((key) => key in config)) return [];
  const source = readSeedYaml(isWhole ? userData : { file: userData.file, text: '' });
  return loginFindings({ ...vendor, ...config }, source, keysOf(metaData));
}

/** How each user of a seed can log in; undefined where that is known on the device only. */
export function waysIn(
  userData: SeedFile,
  metaData?: SeedFile,
  vendorData?: SeedFile,
): readonly UserWays[] | undefined {
  const config = configOf(userData);
  const vendor = vendorData === undefined ? {} : configOf(vendorData);
  if (config === undefined || vendor === undefined) return undefined;
  return loginsOf({ ...vendor, ...config }, keysOf(metaData))
    .filter(({ account, ways }) => ways.length > 0 || account.name !== 'root')
    .map(({ account, ways }) => ({ name: account.name, ways }));
}

export type UserWays = { readonly name: string; readonly ways: readonly WayIn[] };

function keysOf(metaData: SeedFile | undefined): readonly string[] {
  return metaData === undefined ? [] : publicKeysOf(asMapping(readSeedYaml(metaData).value)?.['public-keys']);
}

const ACCOUNT_KEYS = ['users', 'user', 'ssh_authorized_keys', 'password', 'chpasswd'];

/** The cloud-config that a user-data amounts to; undefined where that is known on the device only. */
function configOf(file: SeedFile): Mapping | undefined {
  const kind = userDataKind(file);
  if (typeof kind !== 'string') return undefined;
  if (isConfig(kind)) return asMapping(readSeedYaml(file).value) ?? {};
  if (kind !== 'mime' && kind !== 'cloud-config-archive') return undefined;
  const { parts } = kind === 'mime' ? mimeParts(file) : archiveParts(file);
  const configs = parts.map((part) => configOfPart(part, file.file));
  // "dict(replace)": of two parts with the same key the later one wins (cloudinit/handlers/cloud_config.py, 25.1).
  return configs.reduce<Mapping | undefined>(
    (merged, config) => (merged === undefined || config === undefined ? undefined : { ...merged, ...config }),
    {},
  );
}

function configOfPart(part: Part, file: string): Mapping | undefined {
  const kind = partKind(part, file);
  if (kind === undefined || typeof kind !== 'string' || !isConfig(kind)) return undefined;
  const config = asMapping(readSeedYaml({ file, text: part.text }).value) ?? {};
  return 'merge_how' in config || 'merge_type' in config ? undefined : config;
}

function isConfig(kind: UserDataKind): boolean {
  return kind === 'cloud-config' || kind === 'empty';
}
