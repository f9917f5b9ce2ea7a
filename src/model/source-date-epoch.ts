import { UserError, type Problem } from '../errors.js';

/**
 * Times of all files in an image, unless SOURCE_DATE_EPOCH says otherwise: 2026-11-01T00:00:00Z. A fixed one, so that
 * a build of today and one of tomorrow agree where their inputs do; a device without a clock starts at this time.
 */
const DEFAULT_SOURCE_DATE_EPOCH = Date.UTC(2026, 10, 1) / 1000;

/** SOURCE_DATE_EPOCH as the environment has it: seconds since 1970; the default where it is not set. */
export function readSourceDateEpoch(text: string | undefined): {
  readonly seconds: number;
  readonly problems: readonly Problem[];
} {
  if (text === undefined || text === '') return { seconds: DEFAULT_SOURCE_DATE_EPOCH, problems: [] };
  if (/^\d{1,10}$/.test(text)) return { seconds: Number(text), problems: [] };
  const message = `SOURCE_DATE_EPOCH is "${text}", not a number of seconds`;
  const hint = 'It counts seconds since 1970-01-01 UTC: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)';
  return { seconds: 0, problems: [{ code: 'source-date-epoch-invalid', message, hint }] };
}

/** The same as a number. Throws UserError `source-date-epoch-invalid`. */
export function sourceDateEpoch(text: string | undefined): number {
  const { seconds, problems } = readSourceDateEpoch(text);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return seconds;
}
