import type { SeedStep } from './device-identity.js';
import type { DeviceUser, DeviceIdentity } from './device-identity.js';
import { composeSeed, type ComposedSeed } from '../compose/compose-seed.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import { AUTOMATIC_INSTANCE_ID } from '../compose/meta-data.js';
import type { SeedFile, SeedFiles } from '../text/seed.js';
import { applyEdits } from '../yaml/text-edit.js';
import { userDataKind } from '../text/user-data-header.js';
import { setTopLevel } from '../yaml/yaml-edit.js';
import { withNetworks } from './networks.js';
import { timezoneFault } from '../image/timezone.js';
import { needsCloudConfig, withUsers } from './users.js';
import { overruledPasswords, verifyIdentity } from './verify-identity.js';

/**
 * A device's seed: the base (an image's own seed, or the default one), with the identity's whole files in its place
 * and its values worked into them. For `checkSeed` and `finishSeed` after that. Pure: the same values give the same
 * bytes.
 *
 * Codes: those of composeSeed, `identity-needs-cloud-config`, `identity-users-form`, `user-name-invalid`,
 * `identity-password-overruled`, `identity-needs-network-v2`, `timezone-invalid`, `wifi-ssid-invalid`, `wifi-password-invalid`.
 */
export function seedOf(identity: DeviceIdentity, base: SeedFiles): ComposedSeed {
  const users = withKeys(identity);
  const composed = composeSeed({
    defaults: renamedBase(identity, base),
    ...(identity.userData === undefined ? {} : { userData: identity.userData }),
    ...(identity.metaData === undefined ? {} : { metaData: identity.metaData }),
    ...(identity.networkConfig === undefined ? {} : { networkConfig: identity.networkConfig }),
    ...(identity.hostname === undefined ? {} : { hostname: identity.hostname }),
    ...(identity.sshKeys === undefined || users.length > 0 ? {} : { sshKeys: identity.sshKeys }),
  });
  const { files } = composed;
  const withPeople = withUsers(files.userData, users);
  const zoned = withTimezone(withPeople.file, identity.timezone);
  const networks = withNetworks(files.networkConfig, identity.wifi ?? [], identity.network);
  const overruled = overruledPasswords(users, zoned.file);
  const metaData =
    identity.instanceId === undefined ? files.metaData : withValue(files.metaData, 'instance-id', identity.instanceId);
  const problems = [
    ...composed.problems,
    ...withPeople.problems,
    ...zoned.problems,
    ...overruled,
    ...networks.problems,
  ];
  const made: SeedFiles = {
    userData: zoned.file,
    metaData,
    ...(networks.file === undefined ? {} : { networkConfig: networks.file }),
  };
  if (problems.length === 0) verifyIdentity(identity, made, identity.userData ?? base.userData);
  return { files: made, problems, warnings: composed.warnings };
}

/** Puts the hash in the place of each clear-text password, so that none is part of any text. */
export function hashPasswords(identity: DeviceIdentity, hash: (password: string) => string): DeviceIdentity {
  if (identity.users === undefined) return identity;
  const users = identity.users.map(({ password, ...user }) =>
    password === undefined ? user : { ...user, passwordHash: hash(password) },
  );
  return { ...identity, users };
}

function withKeys({ users = [], sshKeys = [] }: DeviceIdentity): readonly DeviceUser[] {
  const [first, ...others] = users;
  if (first === undefined || sshKeys.length === 0) return users;
  return [{ ...first, sshKeys: [...(first.sshKeys ?? []), ...sshKeys] }, ...others];
}

/**
 * What the base says of a name and an instance was of the device before, not a person's wish: it makes way. A file
 * that a person gives is theirs, and composeSeed refuses what contradicts it.
 */
function renamedBase({ hostname }: DeviceIdentity, base: SeedFiles): SeedFiles {
  const metaData = withValue(base.metaData, 'instance-id', AUTOMATIC_INSTANCE_ID);
  if (hostname === undefined) return { ...base, metaData };
  const bare = hostname.split('.')[0] ?? hostname;
  const renamed = (file: SeedFile, key: string, name: string): SeedFile =>
    hasText(file, key) ? withValue(file, key, name) : file;
  return {
    ...base,
    userData: renamed(renamed(base.userData, 'hostname', hostname), 'fqdn', withDomain(base.userData, bare)),
    metaData: renamed(metaData, 'local-hostname', hostname),
  };
}

function withDomain(userData: SeedFile, name: string): string {
  const fqdn = asMapping(readSeedYaml(userData).value)?.['fqdn'];
  const domain = typeof fqdn === 'string' ? fqdn.split('.').slice(1) : [];
  return [name, ...domain].join('.');
}

function hasText(file: SeedFile, key: string): boolean {
  return isConfig(file) && typeof asMapping(readSeedYaml(file).value)?.[key] === 'string';
}

/** A script's text may look like YAML; it is left alone. */
function isConfig(file: SeedFile): boolean {
  return !file.text.startsWith('#') || /^#cloud-config\s/i.test(file.text) || !file.file.endsWith('user-data');
}

function withValue(file: SeedFile, key: string, value: string): SeedFile {
  const source = readSeedYaml(file);
  if (yamlFindings(source).problems.length > 0 || asMapping(source.value)?.[key] === value) return file;
  const edit = setTopLevel(source, key, value);
  return edit === undefined ? file : { ...file, text: applyEdits(file.text, [edit]) };
}

function withTimezone(file: SeedFile, timezone: string | undefined): SeedStep {
  if (timezone === undefined) return { file, problems: [] };
  const fault = timezoneFault(timezone);
  if (fault !== undefined) return { file, problems: [{ code: 'timezone-invalid', ...fault }] };
  const kind = userDataKind(file);
  if (typeof kind === 'string' && kind !== 'cloud-config' && kind !== 'empty') {
    return { file, problems: [needsCloudConfig(file, 'A time zone')] };
  }
  return { file: withValue(file, 'timezone', timezone), problems: [] };
}
