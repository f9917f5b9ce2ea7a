import { expect, it } from 'vitest';
import { matchesGlob } from '../../../src/model/glob.js';

it.each([
  ['brcm/a.bin', 'brcm/a.bin', true],
  ['brcm/a.bin', 'brcm/*.bin', true],
  ['brcm/a.bin', 'brcm/?.bin', true],
  ['brcm/a.bin', '*.bin', false],
  ['brcm/a.bin', 'brcm*', false],
  ['brcm/axbin', 'brcm/a.bin', false],
  ['brcm/a.bin.old', 'brcm/a.bin', false],
  ['a/x(1)+[2]{3}^$|.txt', 'a/x(1)+[2]{3}^$|.txt', true],
  ['brcm/b.Raspberry Pi Foundation-Raspberry Pi 4 Model B.txt', 'brcm/b.Raspberry Pi Foundation-*.txt', true],
  ['brcm/b.raspberrypi,4-model-b.txt', 'brcm/b.raspberrypi,4-*.txt', true],
])('%s against %s: %j', (path, glob, expected) => {
  expect(matchesGlob(path, glob)).toBe(expected);
});
