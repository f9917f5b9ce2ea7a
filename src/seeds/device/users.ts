import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../model/json.js';
import type { Problem } from '../../errors.js';
import type { Path } from '../../config/yaml-source.js';
import { changeUser } from '../user-data/change-user.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import { DEFAULT_USER } from '../image/accounts.js';
import type { Mapping } from '../login/plain-values.js';
import { userEntries } from '../login/user-entries.js';
import type { SeedFile } from '../text/seed.js';
import { sshKeyFault } from '../text/ssh-key.js';
import { applyEdits, type TextEdit } from '../yaml/text-edit.js';
import { userDataKind } from '../text/user-data-header.js';
import { withoutAliases } from '../yaml/yaml-aliases.js';
import { addToList, addToTopLevelList, rootMapping, setTopLevel } from '../yaml/yaml-edit.js';
import type { SeedStep } from './device-identity.js';
import type { DeviceUser } from './device-identity.js';

/** What useradd of Debian takes. */
const NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
const GROUPS = ['adm', 'docker', 'sudo'];

/** Adds users to a cloud-config, or gives those that it has what is new: a password, keys. */
export function withUsers(userData: SeedFile, users: readonly DeviceUser[]): SeedStep {
  if (users.length === 0) return { file: userData, problems: [] };
  const problems = users.flatMap(faults);
  if (problems.length > 0) return { file: userData, problems };
  const kind = userDataKind(userData);
  // A file whose first line is wrong is reported by checkSeed.
  if (typeof kind !== 'string') return { file: userData, problems: [] };
  if (kind !== 'cloud-config') return { file: userData, problems: [needsCloudConfig(userData, 'A user')] };
  let file = userData;
  for (const user of users) {
    const next = withUser(file, user);
    if (next === undefined) {
      const message = `"users" is written in a way that "${user.name}" cannot be added to`;
      const hint = 'Write it as a list: "users: [default, {name: …}]".';
      const place = readSeedYaml(file).locate(['users']);
      return { file, problems: [{ code: 'identity-users-form', message, hint, file: file.file, ...place }] };
    }
    file = next;
  }
  return { file, problems: [] };
}

export function needsCloudConfig(file: SeedFile, what: string): Problem {
  return {
    code: 'identity-needs-cloud-config',
    message: `${what} can be worked into a #cloud-config only, and this user-data is something else`,
    hint: 'Do it in the script itself.',
    file: file.file,
    line: 1,
    column: 1,
  };
}

function faults(user: DeviceUser): Problem[] {
  const keys = (user.sshKeys ?? []).flatMap((key): Problem[] => {
    const fault = sshKeyFault(key);
    return fault === undefined
      ? []
      : [{ code: fault.code, message: `the ssh key of "${user.name}": ${fault.message}` }];
  });
  if (NAME.test(user.name) && user.name !== 'root') return keys;
  const message = `${JSON.stringify(user.name)} cannot be the name of a user`;
  const hint = 'Lower-case letters, digits, "-" and "_", at most 32, beginning with a letter; not root.';
  return [{ code: 'user-name-invalid', message, hint }, ...keys];
}

/** undefined where the user-data is written in a way that the user cannot be worked into. */
function withUser(file: SeedFile, user: DeviceUser): SeedFile | undefined {
  const source = readSeedYaml(file);
  if (yamlFindings(source).problems.length > 0) return file;
  const config = asMapping(source.value) ?? {};
  const path = pathOf(user.name, config);
  if (path !== undefined) return merged(file, path, user);
  if (userEntries(config).some(({ name, isDefault }) => isDefault && name === user.name)) {
    return withDefaultUser(file, user);
  }
  const { users } = config;
  // Where nobody is listed there is Debian's default user; a list without "default" would take it away.
  if (users === undefined || users === null) {
    return edited(file, addToTopLevelList(source, 'users', ['default', entryOf(user)]));
  }
  const root = rootMapping(source);
  const wanted = Array.isArray(users)
    ? { ...config, users: [entryOf(user), ...(users as readonly unknown[])] }
    : undefined;
  const attempt = (start: SeedFile | undefined): SeedFile | undefined => {
    const mapping = start === undefined ? undefined : rootMapping(readSeedYaml(start));
    if (start === undefined || mapping === undefined) return undefined;
    const result = edited(start, addToList(readSeedYaml(start), mapping, 'users', [entryOf(user)]));
    return isDeepStrictEqual(readSeedYaml(result).value, wanted) ? result : undefined;
  };
  return root === undefined || wanted === undefined ? undefined : (attempt(file) ?? attempt(withoutAliases(file)));
}

/** Where the mapping of a user stands that the cloud-config has: `user`, or an entry of `users`. */
function pathOf(name: string, config: Mapping): Path | undefined {
  const single = asMapping(config['user']);
  if (single !== undefined && (single['name'] ?? DEFAULT_USER.name) === name) return ['user'];
  const { users } = config;
  if (Array.isArray(users)) {
    const index = (users as readonly unknown[]).findIndex((user) => asMapping(user)?.['name'] === name);
    // The image's settings of the default user win over an entry of "users".
    return index < 0 || isDefaultName(name, config) ? undefined : ['users', index];
  }
  return asMapping(asMapping(users)?.[name]) === undefined ? undefined : ['users', name];
}

function isDefaultName(name: string, config: Mapping): boolean {
  return userEntries(config).some((entry) => entry.isDefault && entry.name === name);
}

/** Only `user` changes the settings that the image has for its default user: an entry of `users` loses to them. */
function withDefaultUser(file: SeedFile, { name, ...user }: DeviceUser): SeedFile | undefined {
  const source = readSeedYaml(file);
  if (asMapping(source.value)?.['user'] !== undefined && asMapping(source.value)?.['user'] !== name) return undefined;
  const { sshKeys = [], password, passwordHash, groups, shell } = user;
  const secret = passwordHash ?? password;
  const value: Json = {
    name,
    ...(secret === undefined ? {} : { lock_passwd: false, [secretKey(user)]: secret }),
    ...(groups === undefined ? {} : { groups }),
    ...(shell === undefined ? {} : { shell }),
    ...(sshKeys.length === 0 ? {} : { ssh_authorized_keys: sshKeys }),
  };
  return edited(file, setTopLevel(source, 'user', value));
}

function entryOf({
  name,
  password,
  passwordHash,
  sshKeys = [],
  groups = GROUPS,
  shell = '/bin/bash',
}: DeviceUser): Json {
  const hasPassword = password !== undefined || passwordHash !== undefined;
  return {
    name,
    groups,
    shell,
    ...(hasPassword ? {} : { sudo: ['ALL=(ALL) NOPASSWD:ALL'] }),
    lock_passwd: !hasPassword,
    ...(passwordHash === undefined ? {} : { hashed_passwd: passwordHash }),
    ...(password === undefined ? {} : { plain_text_passwd: password }),
    ...(sshKeys.length === 0 ? {} : { ssh_authorized_keys: sshKeys }),
  };
}

/** Into the user that is there. */
function merged(file: SeedFile, path: Path, user: DeviceUser): SeedFile | undefined {
  const secret = user.passwordHash ?? user.password;
  const key = secretKey(user);
  return changeUser(file, path, {
    sshKeys: user.sshKeys ?? [],
    values: {
      ...(secret === undefined ? {} : { [key]: secret, lock_passwd: false }),
      ...(user.groups === undefined ? {} : { groups: user.groups }),
      ...(user.shell === undefined ? {} : { shell: user.shell }),
    },
    instead: secret === undefined ? [] : PASSWORD_KEYS.filter((name) => name !== key),
  });
}

const PASSWORD_KEYS = ['hashed_passwd', 'passwd', 'plain_text_passwd'];

function secretKey({ passwordHash }: Pick<DeviceUser, 'passwordHash'>): string {
  return passwordHash === undefined ? 'plain_text_passwd' : 'hashed_passwd';
}

function edited(file: SeedFile, edit: TextEdit | undefined): SeedFile {
  return edit === undefined ? file : { ...file, text: applyEdits(file.text, [edit]) };
}
