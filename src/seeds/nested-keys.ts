import type { Problem } from '../errors.js';
import type { YamlSource } from '../config/yaml-source.js';
import { asMapping } from './cloud-init-yaml.js';
import type { Findings } from './findings.js';

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

/** Problems `unknown-key`, each with the place where the key belongs. */
export function nestedKeys(source: YamlSource): Findings {
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
  return { problems, warnings: [] };
}
