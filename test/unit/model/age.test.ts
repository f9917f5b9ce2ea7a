import { expect, it } from 'vitest';
import { formatAge, parseAge } from '../../../src/model/age.js';

const HOUR = 3_600_000;

it.each([
  ['90m', 1.5 * HOUR],
  ['12h', 12 * HOUR],
  [' 30d ', 720 * HOUR],
  ['2w', 336 * HOUR],
  ['0d', 0],
  ['30', undefined],
  ['d', undefined],
  ['1.5d', undefined],
  ['-1d', undefined],
  ['3x', undefined],
  ['', undefined],
])('reads %j as %j ms', (text, expected) => {
  expect(parseAge(text)).toBe(expected);
});

it.each([
  [-5, 'just now'],
  [59_000, 'just now'],
  [60_000, '1 minute ago'],
  [119 * 60_000, '1 hour ago'],
  [47 * HOUR, '1 day ago'],
  [49 * HOUR, '2 days ago'],
])('%i ms are %j', (ageMs, expected) => {
  expect(formatAge(ageMs)).toBe(expected);
});
