import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, defaultRetryPolicy, isTransientStatus, parseRetryAfter } from '../../../src/host/retry.js';

describe('backoffMs', () => {
  it.each([
    [1, 0, 250],
    [1, 1, 500],
    [3, 0, 1000],
    [4, 1, 4000],
    [30, 1, 15_000],
  ])('waits after try %i with random %d for %i ms', (attempt, random, expected) => {
    expect(backoffMs(defaultRetryPolicy, attempt, random)).toBe(expected);
  });

  it('never waits longer than the policy allows and always waits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const pause = backoffMs(defaultRetryPolicy, attempt, random);
        expect(pause).toBeGreaterThanOrEqual(defaultRetryPolicy.firstDelayMs / 2);
        expect(pause).toBeLessThanOrEqual(defaultRetryPolicy.maxDelayMs);
      }),
    );
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('Sat, 01 Jan 2000 00:00:00 GMT');
  it.each([
    ['3', 3000],
    [' 120 ', 120_000],
    ['Sat, 01 Jan 2000 00:00:10 GMT', 10_000],
    ['Fri, 31 Dec 1999 23:59:59 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ])('reads %j as %j ms', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});

it.each([
  [404, false],
  [403, false],
  [408, true],
  [429, true],
  [500, true],
  [503, true],
])('status %i is transient: %j', (code, expected) => {
  expect(isTransientStatus(code)).toBe(expected);
});
