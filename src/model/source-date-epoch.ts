/**
 * Times of all files in an image, unless SOURCE_DATE_EPOCH says otherwise: 2026-11-01T00:00:00Z. A fixed one, so that
 * a build of today and one of tomorrow agree where their inputs do; a device without a clock starts at this time.
 */
export const DEFAULT_SOURCE_DATE_EPOCH = Date.UTC(2026, 10, 1) / 1000;

/** Seconds since 1970 as the environment has them; the default for none, undefined for what is no number. */
export function parseSourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return DEFAULT_SOURCE_DATE_EPOCH;
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
