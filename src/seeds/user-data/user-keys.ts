import type { Problem } from '../../errors.js';
import type { YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';
import { isSet } from '../login/plain-values.js';

/** Top-level keys that people write below a user, where cloud-init has no such key. */
const TOP_LEVEL: readonly string[] = [
  'apt',
  'bootcmd',
  'chpasswd',
  'disable_root',
  'hostname',
  'keyboard',
  'locale',
  'manage_etc_hosts',
  'mounts',
  'network',
  'ntp',
  'package_reboot_if_required',
  'package_update',
  'package_upgrade',
  'packages',
  'password',
  'power_state',
  'runcmd',
  'ssh_deletekeys',
  'ssh_keys',
  'ssh_pwauth',
  'swap',
  'timezone',
  'users',
  'write_files',
];

/**
 * What of a user's keys cannot be: `unknown-key` for one that belongs to the left margin, `user-without-home` for keys
 * of a user who gets no home (cc_users_groups of cloud-init 25.1 then makes neither this user nor those that follow).
 */
export function userKeys(source: YamlSource): Findings {
  const users = asMapping(source.value)?.['users'];
  const listed = Array.isArray(users) ? (users as readonly unknown[]) : [];
  const problems = listed.flatMap((user, index) =>
    TOP_LEVEL.filter((key) => key in (asMapping(user) ?? {})).map((key): Problem => {
      const place = source.locate(['users', index, key], 'key');
      const message = `"${key}" is not a key of a user`;
      const hint =
        key === 'network'
          ? 'Put what is below it into network-config.'
          : key === 'password'
            ? 'A user has "hashed_passwd" (or "plain_text_passwd"), with "lock_passwd: false".'
            : `It belongs to the left margin, outside of "users": ${key}: …`;
      return { code: 'unknown-key', message, hint, file: source.file, ...place };
    }),
  );
  return {
    problems: [...problems, ...listed.flatMap((user, index) => withoutHome(user, index, source))],
    warnings: [],
  };
}

function withoutHome(user: unknown, index: number, source: YamlSource): Problem[] {
  const settings = asMapping(user) ?? {};
  const given = (names: readonly string[]): string | undefined => names.find((name) => isSet(settings[name]));
  const homeless = given(['no_create_home', 'no-create-home', 'system']);
  const needy = given([
    'ssh_authorized_keys',
    'ssh-authorized-keys',
    'ssh_import_id',
    'ssh-import-id',
    'ssh_redirect_user',
  ]);
  if (homeless === undefined || needy === undefined) return [];
  const message = `"${needy}" needs a home, and "${homeless}" gives the user none: cloud-init makes neither this user nor those after it`;
  const place = source.locate(['users', index, needy], 'key');
  return [{ code: 'user-without-home', message, hint: `Remove one of the two.`, file: source.file, ...place }];
}
