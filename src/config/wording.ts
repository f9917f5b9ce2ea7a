import { distance } from 'fastest-levenshtein';
import type { Path } from './yaml-source.js';

/** The known word that was probably meant, or undefined when none is near. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let nearest: string | undefined;
  let nearestDistance = wanted.length <= 3 ? 1 : Math.max(2, Math.floor(wanted.length / 3));
  for (const candidate of known) {
    const steps = distance(wanted, plain(candidate));
    // On a tie the first one stays, so that the order of the known words decides and nothing else.
    if (steps < nearestDistance || (steps === nearestDistance && nearest === undefined)) {
      nearest = candidate;
      nearestDistance = steps;
    }
  }
  return nearest;
}

/** Upper case, `_` and `-` are what people confuse most. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** The hint for an unknown word: the nearest one, or all of them when they are few. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const nearest = nearestWord(word, known);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  return known.length === 0 || known.length > 24 ? undefined : `Known here: ${known.join(', ')}.`;
}

/** `users[0].passwd`; empty for the document itself. */
export function describePath(path: Path): string {
  return path
    .map((segment, index) => (typeof segment === 'number' ? `[${segment}]` : index === 0 ? segment : `.${segment}`))
    .join('');
}

/** A value in words. `secret`: its kind only, so that no password gets onto a screen or into a log. */
export function describeFound(value: unknown, secret = false): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'string') {
    return secret ? 'text' : `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)}`;
  }
  if (typeof value === 'number') return secret ? 'a number' : `the number ${value}`;
  if (typeof value === 'boolean') return secret ? 'true or false' : String(value);
  return 'a mapping';
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'nothing',
};

/** A schema's type name in the words of `describeFound`. */
export function describeExpected(type: string): string {
  return EXPECTED[type] ?? type;
}

/** What mostly lies behind a value of the wrong type. */
export function hintForType(expected: readonly string[], found: unknown): string | undefined {
  const wantsText = expected.includes('string');
  if (wantsText && (typeof found === 'number' || typeof found === 'boolean')) return 'Put it in quotes.';
  if (wantsText && found instanceof Date) return 'Put the date in quotes.';
  if (expected.includes('array') && typeof found === 'string') return 'Write it as a list, even with one item: "- …".';
  if (typeof found !== 'string') return undefined;
  const isSwitch = expected.includes('boolean') && /^(true|false|yes|no|on|off)$/i.test(found);
  const isNumber = expected.some((type) => /^(number|int|integer)$/.test(type)) && /^-?\d+(\.\d+)?$/.test(found);
  return isSwitch || isNumber ? 'Write it without quotes.' : undefined;
}
