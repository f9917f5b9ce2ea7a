export type Mapping = Readonly<Record<string, unknown>>;

/** A list as it is, nothing as an empty one, a single value as a list of one: as cloud-init takes most lists. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

/** cloudinit/util.py is_true. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const isWord = typeof value === 'string' || typeof value === 'number';
  return isWord && ['true', '1', 'on', 'yes'].includes(String(value).toLowerCase().trim());
}

/** What is truthy to Python. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || value instanceof Date || Object.keys(value).length > 0;
}
