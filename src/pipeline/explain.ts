import type { Json } from '../model/json.js';

/** One difference between the inputs of two runs of a stage. `path` is dotted: "fragments.docker.sha256". */
export type KeyChange = { readonly path: string; readonly before: Json | undefined; readonly after: Json | undefined };

/** What changed between two key documents, in the order of their paths. */
export function diffKeys(before: Json | undefined, after: Json | undefined, path = ''): readonly KeyChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isBranch(before) || !isBranch(after)) return [{ path: path === '' ? '(everything)' : path, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => diffKeys(before[name], after[name], path === '' ? name : `${path}.${name}`));
}

/** "packages.3: bash 5.2-1 → bash 5.2-2", cut where a value is long. */
export function formatKeyChange(change: KeyChange): string {
  return `${change.path}: ${formatValue(change.before)} → ${formatValue(change.after)}`;
}

const LONGEST_VALUE = 60;

function formatValue(value: Json | undefined): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/** Lists compare by position, as objects do by name: good enough to point at the first difference. */
function isBranch(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null;
}
