import { asMapping } from '../yaml/cloud-init-yaml.js';
import { IMAGE_USERS } from '../image/accounts.js';
import { isSet, listOf, type Mapping } from './plain-values.js';
import { passwordChanges, type PasswordChange } from './password-changes.js';
import { userEntries, type UserEntry } from './user-entries.js';

/**
 * A user of the device after its first boot. `password`: `locked` has a hash that cannot be used; `empty` asks for
 * none on the screen.
 */
export type Account = UserEntry & {
  /** Lines of authorized_keys. */
  readonly keys: readonly string[];
  readonly password: 'none' | 'locked' | 'empty' | 'set';
};

/**
 * The accounts that result from a cloud-config and the public keys of a meta-data, as cloud-init 25.1 makes them
 * (cc_users_groups, then cc_ssh, then cc_set_passwords). Users of the image are among them when the seed gives them a
 * password or keys.
 */
export function accountsOf(config: Mapping, publicKeys: readonly string[] = []): readonly Account[] {
  const entries = userEntries(config);
  const shared = [...publicKeys, ...keyLines(config['ssh_authorized_keys'])];
  const changes = effectiveChanges(passwordChanges(config, entries), entries);
  const root: UserEntry[] = userNamed('root', entries) ? [] : [{ name: 'root', isDefault: false, settings: {} }];
  // Other accounts of the image have no shell.
  return [...entries, ...root].map((entry) => ({
    ...entry,
    keys: [
      ...keyLines(entry.settings['ssh_authorized_keys']),
      ...(entry.isDefault || (entry.name === 'root' && config['disable_root'] === false) ? shared : []),
    ],
    password: passwordOf(
      entry,
      changes.find(({ name }) => name === entry.name),
    ),
  }));
}

/** cloud-init takes a list, one line, or a mapping whose values are lines. */
export function keyLines(value: unknown): readonly string[] {
  const mapping = asMapping(value);
  return (mapping === undefined ? listOf(value) : Object.values(mapping)).filter((line) => typeof line === 'string');
}

/**
 * `chpasswd -e` changes nothing at all when one of its names does not exist; random passwords are set one by one.
 * Those in clear text are hashes by the time that they are written.
 */
function effectiveChanges(
  changes: readonly PasswordChange[],
  entries: readonly UserEntry[],
): readonly PasswordChange[] {
  const exists = ({ name }: PasswordChange): boolean => userExists(name, entries);
  const hashed = changes.filter(({ kind }) => kind !== 'random');
  return [...(hashed.every(exists) ? hashed : []), ...changes.filter(({ kind }) => kind === 'random').filter(exists)];
}

export function userExists(name: string, entries: readonly UserEntry[]): boolean {
  return IMAGE_USERS.has(name) || userNamed(name, entries);
}

function userNamed(name: string, entries: readonly UserEntry[]): boolean {
  return entries.some((entry) => entry.name === name);
}

function passwordOf({ name, settings }: UserEntry, change: PasswordChange | undefined): Account['password'] {
  if (change !== undefined) return change.value === '' ? 'empty' : isLock(change.value) ? 'locked' : 'set';
  // `passwd` counts for a new user only.
  const keys = ['plain_text_passwd', 'hashed_passwd', ...(IMAGE_USERS.has(name) ? [] : ['passwd'])];
  const given = keys.map((key) => settings[key]).filter((value) => value !== undefined && value !== null);
  const value = given.find(isSet) ?? given[0];
  if (value === undefined || isLock(value)) return 'none';
  // Python's truth: `lock_passwd: ""` and 0 unlock, too.
  const isLocked = !('lock_passwd' in settings) || isSet(settings['lock_passwd']);
  if (isLocked) return 'locked';
  return value === '' ? 'empty' : 'set';
}

/** "*" and "!" are no passwords: nothing hashes to them. */
function isLock(value: unknown): boolean {
  return typeof value === 'string' && /^[*!]/.test(value);
}
