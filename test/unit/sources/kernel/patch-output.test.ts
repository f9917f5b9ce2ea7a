import { expect, it } from 'vitest';
import { failedHunks } from '../../../../src/sources/kernel/patch-output.js';

it('names file, hunk and line of what did not apply', () => {
  const stdout = [
    'patching file Makefile',
    'patching file drivers/watchdog/bcm2835_wdt.c',
    'Hunk #1 succeeded at 20 (offset 3 lines).',
    'Hunk #2 FAILED at 131.',
    '1 out of 2 hunks FAILED',
  ].join('\n');
  expect(failedHunks(stdout)).toEqual(['drivers/watchdog/bcm2835_wdt.c: hunk 2 does not fit at line 131']);
});

it.each([
  ["can't find file to patch at input line 4", 'a file that it changes is not in this kernel'],
  [
    'patching file Makefile\nReversed (or previously applied) patch detected!  Skipping patch.',
    'Makefile: applied already',
  ],
])('understands %j', (stdout, words) => {
  expect(failedHunks(stdout)).toEqual([words]);
});
