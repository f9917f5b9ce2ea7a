import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../errors.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import { accountsOf, type Account } from '../login/accounts.js';
import { passwordChanges } from '../login/password-changes.js';
import { userEntries } from '../login/user-entries.js';
import type { SeedFile, SeedFiles } from '../text/seed.js';
import { userDataKind } from '../text/user-data-header.js';
import type { DeviceIdentity, DeviceUser } from './device-identity.js';

/**
 * Reads a seed as cloud-init does, and compares the accounts that result with what was asked: each user has the
 * password and the keys, and nobody else has changed. Only for a seed that has no problems.
 *
 * @param before the user-data that the identity was worked into
 * @throws Error (a bug) where something that was asked for is not there, or is there for somebody else
 */
export function verifyIdentity(identity: DeviceIdentity, files: SeedFiles, before: SeedFile): void {
  const users = withSharedKeys(identity);
  const accounts = accountsIn(files.userData);
  const known = accountsIn(before);
  if (accounts === undefined || known === undefined) return;
  for (const user of users) {
    const account = accounts.find(({ name }) => name === user.name);
    if (account === undefined) throw new Error(`the user ${user.name} was asked for, and the seed does not make it`);
    verifyUser(user, account);
  }
  const keys = users.length === 0 ? (identity.sshKeys ?? []) : [];
  if (keys.length > 0 && !accounts.some((account) => holds(account, keys))) {
    throw new Error('ssh keys were asked for, and no user of the seed has them');
  }
  const asked = new Set(users.map(({ name }) => name));
  for (const account of known.filter(({ name }) => !asked.has(name))) {
    const after = accounts.find(({ name }) => name === account.name);
    const isSame = isDeepStrictEqual({ ...after, keys: [] }, { ...account, keys: [] });
    const gained = (after?.keys ?? []).filter((key) => !account.keys.includes(key));
    // The keys at the left margin are the default user's, and root's where root may log in.
    const mayGain = users.length === 0 && gained.every((key) => keys.includes(key));
    if (users.length > 0 && !isSame) throw new Error(`the user ${account.name} would change, and nobody asked for it`);
    if (gained.length > 0 && !mayGain) throw new Error(`the user ${account.name} would get ssh keys of somebody else`);
  }
}

function withSharedKeys({ users = [], sshKeys = [] }: DeviceIdentity): readonly DeviceUser[] {
  return users.map((user, index) => (index === 0 ? { ...user, sshKeys: [...(user.sshKeys ?? []), ...sshKeys] } : user));
}

function accountsIn(userData: SeedFile): readonly Account[] | undefined {
  const kind = userDataKind(userData);
  if (kind !== 'cloud-config' && kind !== 'empty') return undefined;
  const source = readSeedYaml(userData);
  return yamlFindings(source).problems.length > 0 ? undefined : accountsOf(asMapping(source.value) ?? {});
}

function verifyUser(user: DeviceUser, account: Account): void {
  if (!holds(account, user.sshKeys ?? [])) throw new Error(`the user ${user.name} would not get all ssh keys`);
  const { settings, password } = account;
  const isWritten =
    user.passwordHash === undefined
      ? user.password === undefined || settings['plain_text_passwd'] === user.password
      : settings['hashed_passwd'] === user.passwordHash;
  const isAsked = (user.passwordHash ?? user.password) !== undefined;
  if (!isWritten || (isAsked && password !== 'set'))
    throw new Error(`the user ${user.name} would not get the password`);
}

function holds({ keys }: Account, asked: readonly string[]): boolean {
  return asked.every((key) => keys.some((other) => other.trim() === key.trim()));
}

/** A password that `chpasswd` of the base gives the same user wins on the device. Code: `identity-password-overruled`. */
export function overruledPasswords(users: readonly DeviceUser[], userData: SeedFile): Problem[] {
  if (userDataKind(userData) !== 'cloud-config') return [];
  const source = readSeedYaml(userData);
  const config = asMapping(source.value) ?? {};
  const changed = new Set(passwordChanges(config, userEntries(config)).map(({ name }) => name));
  const asked = users.filter((user) => (user.passwordHash ?? user.password) !== undefined);
  return asked
    .filter(({ name }) => changed.has(name))
    .map(({ name }) => ({
      code: 'identity-password-overruled',
      message: `the user-data gives "${name}" a password by "chpasswd" or "password", which wins over the one asked for`,
      hint: 'Remove it from the user-data, or ask for no password.',
      file: userData.file,
      ...source.locate('chpasswd' in config ? ['chpasswd'] : ['password'], 'key'),
    }));
}
