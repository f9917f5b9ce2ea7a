import { formatAge } from '../model/age.js';
import { formatSize } from '../model/bytes.js';
import type { CacheEntry, CacheListing, CacheRemoval } from '../maintenance/cache.js';

const SHOWN_KEY_LENGTH = 12;

export function describeListing({ root, entries, shared, totalBytes }: CacheListing, nowMs: number): readonly string[] {
  if (totalBytes === 0 && entries.length === 0) return [`${root} is empty.`];
  return [
    ...table(entries, nowMs),
    ...(entries.length === 0 ? [] : ['']),
    ...shared.map(({ name, sizeBytes }) => `${name}: ${formatSize(sizeBytes)}`),
    `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, ${formatSize(totalBytes)} in all, in ${root}`,
  ];
}

export function describeRemoval(
  { removed, inUse, freedBytes, dryRun }: CacheRemoval,
  nowMs: number,
): readonly string[] {
  const would = dryRun ? 'Would remove' : 'Removed';
  return [
    ...(removed.length === 0 ? [] : [...table(removed, nowMs), '']),
    removed.length === 0 && freedBytes === 0
      ? 'Nothing to remove.'
      : `${would} ${removed.length} ${removed.length === 1 ? 'entry' : 'entries'}, ${formatSize(freedBytes)}.`,
    ...(inUse.length === 0 ? [] : [`Left ${inUse.length} that a running build needs.`]),
  ];
}

function table(entries: readonly CacheEntry[], nowMs: number): readonly string[] {
  const rows = entries.map(({ stage, key, sizeBytes, madeAt, lastUsedAt, inUse }) => [
    stage,
    key.slice(0, SHOWN_KEY_LENGTH),
    formatSize(sizeBytes),
    madeAt.slice(0, 16).replace('T', ' '),
    inUse ? 'now' : formatAge(nowMs - Date.parse(lastUsedAt)),
  ]);
  const all = [['STAGE', 'KEY', 'SIZE', 'MADE (UTC)', 'LAST USED'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) =>
    row
      // Sizes to the right, so that the eye finds the large ones.
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
