import { describe, expect, it } from 'vitest';
import type { StartEnd } from '../../../src/boot/pi-firmware.js';
import { chooseStart, endOf, flagAfter } from '../../../src/boot/pi-firmware.js';

/** The example of autoboot.adoc: partition 2 is started, partition 3 is tried. */
const DOCUMENTED = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n';
const FATS = [
  { number: 1, isBootable: false },
  { number: 2, isBootable: true },
  { number: 3, isBootable: true },
];

describe("the choice of a Raspberry Pi's firmware", () => {
  it('starts the partition of [all], and for a trial that of [tryboot], with the same config.txt', () => {
    expect(chooseStart(FATS, DOCUMENTED, false)).toEqual({ partition: 2, tryboot: false, config: 'config.txt' });
    expect(chooseStart(FATS, DOCUMENTED, true)).toEqual({ partition: 3, tryboot: true, config: 'config.txt' });
  });

  it('reads tryboot.txt for a trial without tryboot_a_b', () => {
    expect(chooseStart(FATS, 'boot_partition=2\n', true)).toEqual({
      partition: 2,
      tryboot: true,
      config: 'tryboot.txt',
    });
  });

  it.each([
    ['missing or empty', ''],
    ['garbage', '\u00ff\u0000\u0001[[=\u0007'.repeat(70)],
    ['a partition that is not there', 'boot_partition=9\n'],
    ['a partition without firmware', 'boot_partition=1\n'],
  ])('starts the first partition with firmware where autoboot.txt is %s', (_, text) => {
    expect(chooseStart(FATS, text, false)?.partition).toBe(2);
  });

  it('starts nothing where no partition has firmware', () => {
    expect(chooseStart([{ number: 1, isBootable: false }], DOCUMENTED, false)).toBeUndefined();
  });
});

describe('the end of a start', () => {
  it.each<[string, StartEnd | undefined]>([
    ["[  41.2] reboot: Restarting system with command '0 tryboot'", { kind: 'reboot', argument: '0 tryboot' }],
    ['[  41.2] reboot: Restarting system', { kind: 'reboot', argument: '' }],
    ['[  41.2] reboot: Power down', { kind: 'power-off' }],
    ['[   2.1] Kernel panic - not syncing: No working init found.', { kind: 'panic' }],
    ['[   2.1] EXT4-fs (vda5): mounted filesystem', undefined],
  ])('is read from %s', (line, end) => {
    expect(endOf(line)).toEqual(end);
  });

  it('sets the flag by the argument of a reboot, and by nothing else', () => {
    expect(flagAfter({ kind: 'reboot', argument: '0 tryboot' })).toBe(true);
    expect(flagAfter({ kind: 'reboot', argument: '' })).toBe(false);
    for (const kind of ['power-off', 'panic', 'watchdog', 'power-cut', 'reset'] as const) {
      expect(flagAfter({ kind })).toBe(false);
    }
  });
});
