import { asMapping } from '../yaml/cloud-init-yaml.js';
import { DEFAULT_USER } from '../image/accounts.js';
import { isSet, isTrue, listOf, type Mapping } from './plain-values.js';

/** A user that cloud-init would make or change, with the keys of all entries that are about this user. */
export type UserEntry = { readonly name: string; readonly isDefault: boolean; readonly settings: Mapping };

/**
 * Which users a cloud-config makes, as cloud-init 25.1 works it out (normalize_users_groups of
 * cloudinit/distros/ug_util.py): `users` as a list, a mapping or words; the default user only where `users` is absent,
 * lists it, or `user` is given. Of two entries for one user the first wins, key by key.
 */
export function userEntries(config: Mapping): readonly UserEntry[] {
  const ofUser = typeof config['user'] === 'string' ? { name: config['user'] } : asMapping(config['user']);
  const hasUser = ofUser !== undefined && isSet(ofUser);
  const byName = new Map<string, Mapping>();
  const entries = [
    ...listedEntries('users' in config ? config['users'] : ['default']),
    ...(hasUser ? ['default'] : []),
  ];
  for (const entry of entries) {
    const { name = 'default', ...settings } = typeof entry === 'string' ? { name: entry } : entry;
    if (typeof name === 'string') byName.set(name, { ...withUnderscores(settings), ...byName.get(name) });
  }
  const ofDefault = byName.get('default');
  if (ofDefault === undefined) return named(byName, undefined);
  const { name, ...standard } = { ...DEFAULT_USER, ...ofUser };
  byName.delete('default');
  byName.set(name, { ...byName.get(name), ...ofDefault, ...standard });
  return named(byName, name);
}

function named(byName: ReadonlyMap<string, Mapping>, defaultName: string | undefined): readonly UserEntry[] {
  return [...byName].map(([name, settings]) => ({ name, settings, isDefault: name === defaultName }));
}

function listedEntries(users: unknown): readonly (string | Mapping)[] {
  const mapping = asMapping(users);
  if (mapping !== undefined) {
    return Object.entries(mapping).flatMap(([name, value]): readonly (string | Mapping)[] => {
      const settings = asMapping(value);
      if (settings !== undefined) return [{ ...settings, name }];
      return isTrue(value) ? [name] : [];
    });
  }
  return listOf(users).flatMap((entry): readonly (string | Mapping)[] => {
    if (typeof entry === 'string')
      return entry
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '');
    if (Array.isArray(entry)) return entry.filter((name) => typeof name === 'string');
    const settings = asMapping(entry);
    return settings === undefined ? [] : [settings];
  });
}

/** `ssh-authorized-keys` is the same as `ssh_authorized_keys`. */
function withUnderscores(settings: Mapping): Mapping {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key.replaceAll('-', '_').trim(), value]));
}
