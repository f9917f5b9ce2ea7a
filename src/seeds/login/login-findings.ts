import type { Problem } from '../../errors.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import { keyLines, userExists } from './accounts.js';
import { passwordChanges } from './password-changes.js';
import { isSet, type Mapping } from './plain-values.js';
import { userEntries } from './user-entries.js';
import { loginsOf, type Login } from './ways-in.js';

/**
 * Whether somebody can log in to the device, and what of a seed's keys and passwords reaches nobody. All are
 * warnings: `seed-no-login`, `seed-login-screen-only`, `seed-password-locked`, `seed-keys-of-nobody`,
 * `seed-password-of-nobody`, `seed-user-missing`.
 *
 * @param config the whole cloud-config, put together where there are several
 * @param source where `config` or its first part stands
 */
export function loginFindings(config: Mapping, source: YamlSource, publicKeys: readonly string[]): Problem[] {
  const logins = loginsOf(config, publicKeys);
  const lost = [...lostKeys(config, source), ...lostPassword(config, source), ...missingUsers(config, source)];
  return [...lost, ...noWayIn(config, source, logins)];
}

function noWayIn(config: Mapping, source: YamlSource, logins: readonly Login[]): Problem[] {
  const locked = logins.filter(({ account, ways }) => ways.length === 0 && account.password === 'locked');
  const open = logins.filter(({ ways }) => ways.length > 0);
  const at = (code: string, message: string, hint: string, path: Path = ['users']): Problem => ({
    code,
    message,
    hint,
    file: source.file,
    ...source.locate(path),
  });
  if (open.length === 0) {
    // A command or a file may make a login of its own.
    if (makesLogins(config)) return [];
    const reasons = logins
      .filter(({ account }) => account.name !== 'root' || isSet(account.settings))
      .map(({ account, why }) => `${account.name}: ${why}`);
    const because = reasons.length === 0 ? 'there is no user' : reasons.join('; ');
    const hint =
      locked.length > 0
        ? 'Write "lock_passwd: false" beside the hash, or give a public key with --ssh-key ~/.ssh/id_ed25519.pub'
        : 'Give a public key with --ssh-key ~/.ssh/id_ed25519.pub';
    return [at('seed-no-login', `nobody can log in to this device (${because})`, hint)];
  }
  if (open.every(({ ways }) => ways.every((way) => way === 'screen'))) {
    const names = open.map(({ account }) => account.name).join(', ');
    const message = `${names} can log in with a password at the screen or the serial console only: ssh takes keys, and no key is given`;
    const hint = 'Give a public key with --ssh-key ~/.ssh/id_ed25519.pub, or write "ssh_pwauth: true".';
    return [at('seed-login-screen-only', message, hint)];
  }
  return locked.map(({ account }) => {
    const message = `"${account.name}" cannot log in: its password is locked, because "lock_passwd" is true unless it is given as false`;
    return at('seed-password-locked', message, 'Write "lock_passwd: false" beside the hash.');
  });
}

const LOGIN_WORDS = /authorized_keys|ssh-import-id|\b(useradd|adduser|usermod|chpasswd|passwd)\b|\/etc\/(shadow|ssh\/)/;

function makesLogins(config: Mapping): boolean {
  return ['runcmd', 'bootcmd', 'write_files', 'ansible', 'puppet', 'chef', 'salt_minion'].some((key) =>
    LOGIN_WORDS.test(JSON.stringify(config[key] ?? '')),
  );
}

function lostKeys(config: Mapping, source: YamlSource): Problem[] {
  const keys = keyLines(config['ssh_authorized_keys']);
  const entries = userEntries(config);
  if (keys.length === 0 || config['disable_root'] === false || entries.some(({ isDefault }) => isDefault)) return [];
  return [
    {
      code: 'seed-keys-of-nobody',
      message: '"ssh_authorized_keys" at the left margin is for the default user, and "users" does not list it',
      hint: 'Move the keys into the user\'s own "ssh_authorized_keys", or add "- default" to "users".',
      file: source.file,
      ...source.locate(['ssh_authorized_keys'], 'key'),
    },
  ];
}

function lostPassword(config: Mapping, source: YamlSource): Problem[] {
  if (!isSet(config['password'])) return [];
  const hasDefault = userEntries(config).some(({ isDefault }) => isDefault);
  const chpasswd = asMapping(config['chpasswd']) ?? {};
  const isOverruled = isSet(chpasswd['users']) || isSet(chpasswd['list']);
  if (hasDefault && !isOverruled) return [];
  const message = isOverruled
    ? '"password" is not applied, because "chpasswd" names users'
    : '"password" is for the default user, and "users" does not list it';
  const hint = isOverruled
    ? 'Add the default user to "chpasswd: users", and leave "password" out.'
    : 'Write it as "hashed_passwd" of the user with "lock_passwd: false", or add "- default" to "users".';
  return [{ code: 'seed-password-of-nobody', message, hint, file: source.file, ...source.locate(['password'], 'key') }];
}

function missingUsers(config: Mapping, source: YamlSource): Problem[] {
  const entries = userEntries(config);
  const missing = passwordChanges(config, entries).filter(({ name }) => !userExists(name, entries));
  return [...new Set(missing.map(({ name }) => name))].map((name) => ({
    code: 'seed-user-missing',
    message: `"chpasswd" names "${name}", and neither the seed nor the image has such a user: none of its hashes is set`,
    hint: `Add it to "users", or name one of ${entries.map((entry) => entry.name).join(', ') || 'them'}.`,
    file: source.file,
    ...source.locate(['chpasswd'], 'key'),
  }));
}
