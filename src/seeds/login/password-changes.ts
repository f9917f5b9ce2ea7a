import { asMapping } from '../yaml/cloud-init-yaml.js';
import { listOf, type Mapping } from './plain-values.js';
import type { UserEntry } from './user-entries.js';

/** A password that cloud-init sets after all users are there; `value` is undefined for a random one. */
export type PasswordChange = {
  readonly name: string;
  readonly kind: 'hash' | 'text' | 'random';
  readonly value: string | undefined;
};

/**
 * What `chpasswd` and the top-level `password` set (cc_set_passwords of cloud-init 25.1). `password` is for the default
 * user, and counts only where `chpasswd` names nobody.
 */
export function passwordChanges(config: Mapping, entries: readonly UserEntry[]): readonly PasswordChange[] {
  const chpasswd = asMapping(config['chpasswd']) ?? {};
  const changes = [...listOf(chpasswd['users']).flatMap(ofUser), ...lines(chpasswd['list']).flatMap(ofLine)];
  const { password } = config;
  const owner = entries.find(({ isDefault }) => isDefault);
  const text = textOf(password);
  return changes.length > 0 || owner === undefined || text === undefined ? changes : ofLine(`${owner.name}:${text}`);
}

function ofUser(entry: unknown): PasswordChange[] {
  const { name, type = 'hash', password } = asMapping(entry) ?? {};
  if (typeof name !== 'string') return [];
  if (type === 'RANDOM') return [{ name, kind: 'random', value: undefined }];
  const value = textOf(password);
  return value === undefined ? [] : [{ name, kind: type === 'text' ? 'text' : 'hash', value }];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value.toString() : undefined;
}

function lines(list: unknown): readonly string[] {
  return listOf(list).flatMap((item) => (typeof item === 'string' ? item.split(/\r?\n/) : []));
}

function ofLine(line: string): PasswordChange[] {
  const colon = line.indexOf(':');
  if (colon < 0) return [];
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1);
  if (value === 'R' || value === 'RANDOM') return [{ name, kind: 'random', value: undefined }];
  return [{ name, kind: value.startsWith('$') ? 'hash' : 'text', value }];
}
