const MINUTE_MS = 60_000;
const UNITS_MS: Readonly<Record<string, number>> = {
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: 24 * 60 * MINUTE_MS,
  w: 7 * 24 * 60 * MINUTE_MS,
};

/** Reads "90m", "12h", "30d", "2w" as milliseconds. Returns undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const match = /^(\d+)([mhdw])$/.exec(text.trim());
  const unitMs = UNITS_MS[match?.[2] ?? ''];
  return match === null || unitMs === undefined ? undefined : Number(match[1]) * unitMs;
}

/** "3 days ago", "5 minutes ago": rounded down, so that it never says more than `--older-than` would take. */
export function formatAge(ageMs: number): string {
  for (const [unitMs, name] of [
    [UNITS_MS.d, 'day'],
    [UNITS_MS.h, 'hour'],
    [UNITS_MS.m, 'minute'],
  ] as const) {
    const count = Math.floor(ageMs / (unitMs ?? 1));
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}
