import type { Json } from '../../model/json.js';
import type { Problem } from '../../errors.js';
import type { SeedFile } from '../seed.js';
import { sshKeyFault } from '../ssh-key.js';
import { applyEdits, type TextEdit } from '../text-edit.js';
import { readSeedYaml } from '../cloud-init-yaml.js';
import { userDataKind } from '../user-data-header.js';
import { addToList, addToTopLevelList, rootMapping, setKey } from '../yaml-edit.js';
import { followAlias, pairOf, type YamlMapping } from '../../config/yaml-nodes.js';
import type { YamlSource } from '../../config/yaml-source.js';
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

/** undefined where `users` is neither a list nor absent. */
function withUser(file: SeedFile, user: DeviceUser): SeedFile | undefined {
  const source = readSeedYaml(file);
  if (source.problems.length > 0) return file;
  const root = rootMapping(source);
  const pair = root === undefined ? undefined : pairOf(root, 'users');
  const listed = pair === undefined ? undefined : followAlias(pair.value);
  if (listed === undefined || (listed.kind === 'scalar' && listed.style === 'absent')) {
    // Where nobody is listed there is Debian's default user; a list without "default" would take it away.
    return edited(file, addToTopLevelList(source, 'users', ['default', entryOf(user)]));
  }
  if (listed.kind !== 'sequence' || root === undefined) return undefined;
  const present = userNamed(source, user.name);
  return present === undefined ? edited(file, addToList(source, root, 'users', [entryOf(user)])) : merged(file, user);
}

function userNamed(source: YamlSource, name: string): YamlMapping | undefined {
  const root = rootMapping(source);
  const pair = root === undefined ? undefined : pairOf(root, 'users');
  const listed = pair === undefined ? undefined : followAlias(pair.value);
  if (listed?.kind !== 'sequence') return undefined;
  return listed.items
    .map(followAlias)
    .filter((item) => item.kind === 'mapping')
    .find((item) => {
      const found = pairOf(item, 'name');
      return found?.value.kind === 'scalar' && found.value.text === name;
    });
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

/** Into the user that is there; each edit reads the text anew, for the one before has moved what follows. */
function merged(file: SeedFile, user: DeviceUser): SeedFile {
  const secret = user.passwordHash ?? user.password;
  const key = user.passwordHash === undefined ? 'plain_text_passwd' : 'hashed_passwd';
  const steps: ((source: YamlSource, mapping: YamlMapping) => TextEdit | readonly TextEdit[] | undefined)[] = [];
  if (secret !== undefined) {
    steps.push((_, mapping) => renameOtherPassword(mapping, key));
    steps.push((source, mapping) => setKey(source, mapping, key, secret));
    steps.push((source, mapping) => setKey(source, mapping, 'lock_passwd', false));
  }
  if (user.shell !== undefined) {
    const { shell } = user;
    steps.push((source, mapping) => setKey(source, mapping, 'shell', shell));
  }
  const missing = (user.sshKeys ?? []).filter((line) => !file.text.includes(line));
  if (missing.length > 0) steps.push((source, mapping) => addToList(source, mapping, 'ssh_authorized_keys', missing));
  return steps.reduce((current, step) => {
    const source = readSeedYaml(current);
    const mapping = userNamed(source, user.name);
    return mapping === undefined ? current : edited(current, step(source, mapping));
  }, file);
}

const PASSWORD_KEYS = ['hashed_passwd', 'passwd', 'plain_text_passwd'];

/** A user has one password: the key of the old one becomes that of the new one. */
function renameOtherPassword(mapping: YamlMapping, key: string): TextEdit | undefined {
  if (mapping.pairs.some((pair) => pair.key.text === key)) return undefined;
  const other = mapping.pairs.find((pair) => PASSWORD_KEYS.includes(pair.key.text));
  return other === undefined ? undefined : { start: other.key.start, end: other.key.end, replacement: key };
}

function edited(file: SeedFile, edits: TextEdit | readonly TextEdit[] | undefined): SeedFile {
  return edits === undefined ? file : { ...file, text: applyEdits(file.text, [edits].flat()) };
}
