import { asMapping } from '../yaml/cloud-init-yaml.js';

/** `public-keys` of a meta-data as lines of authorized_keys (normalize_pubkey_data of cloudinit/sources, 25.1). */
export function publicKeysOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(/\r?\n/).filter((line) => line.trim() !== '');
  const mapping = asMapping(value);
  const items = Array.isArray(value) ? (value as readonly unknown[]) : Object.values(mapping ?? {}).flat();
  return items.filter((item): item is string => typeof item === 'string' && item.trim() !== '');
}
