import { describe, expect, it } from 'vitest';
import type { MachineClock } from '../../../src/model/machine-clock.js';
import { POWER_ON } from '../../../src/model/machine-clock.js';
import type { SmallSystem } from '../../../src/model/small-boot.js';
import {
  concludeSmall,
  isSmallDone,
  reachSmall,
  smallMilestones,
  startSmallWatch,
  watchSmallLine,
} from '../../../src/model/small-boot.js';

const TINY: SmallSystem = { userland: 'busybox', hasSsh: true, expected: { hostname: 'gate-7' }, hasSeed: true };
const MINIMAL: SmallSystem = { userland: 'workload', hasSsh: false, expected: {}, hasSeed: false };
const CLOCK: MachineClock = { ...POWER_ON, wallSeconds: 9, hadSeconds: 9 };

const GOOD = [
  '[    0.000000] Linux version 6.12.118-reswarm-tiny (reswarm@reswarm-os)',
  'reswarm: init',
  'reswarm: seed /dev/vda1',
  'reswarm: hostname gate-7',
  'reswarm: ready',
  'reswarm: network eth0 10.0.2.15/24',
];

function watched(system: SmallSystem, lines: readonly string[]) {
  return lines.reduce((watch, line, index) => watchSmallLine(watch, line, index + 1), startSmallWatch(system));
}

/** Everything that only the machine's surroundings see. */
function answered(lines: readonly string[]) {
  const shell = reachSmall(watched(TINY, lines), 'shell', true, 'sh answers', 7);
  return reachSmall(shell, 'ssh', true, 'answers', 8);
}

describe('the boot of a small system', () => {
  it('does not work when it misses its seed', () => {
    const seedOf = (system: SmallSystem) => watched(system, ['reswarm: seed none']).reached.get('seed');
    expect(seedOf(TINY)).toMatchObject({ ok: false, detail: 'none, and there is one' });
    expect(seedOf({ ...TINY, hasSeed: false })).toMatchObject({ ok: true });
  });

  it('works when everything came and it powered off', () => {
    const watch = watchSmallLine(answered(GOOD), '[    9.1] reboot: Power down', 9);
    expect(isSmallDone(answered(GOOD))).toBe(true);
    const proof = concludeSmall('virt', watch, CLOCK);
    expect(proof).toMatchObject({ passed: true, verdict: 'works', bootSeconds: 5 });
    expect(proof.milestones.map(({ name }) => name)).toEqual(smallMilestones(TINY));
  });

  it.each(GOOD.map((line) => [line]))('does not work without "%s"', (missing) => {
    const lines = GOOD.filter((line) => line !== missing);
    expect(isSmallDone(answered(lines))).toBe(false);
    expect(concludeSmall('virt', answered(lines), CLOCK).passed).toBe(false);
  });

  it('does not work without a power-off, a shell, or ssh', () => {
    expect(concludeSmall('virt', answered(GOOD), CLOCK).passed).toBe(false);
    expect(isSmallDone(watched(TINY, GOOD))).toBe(false);
  });

  it('names a host name that is not the seed’s, and every error that the system tells of', () => {
    const lines = [...GOOD.filter((line) => !line.includes('hostname')), 'reswarm: hostname reswarm'];
    const wrong = answered([...lines, 'reswarm: error seed-key user-data:2:1: packages', 'reboot: Power down']);
    const { milestones, passed } = concludeSmall('virt', wrong, CLOCK);
    expect(passed).toBe(false);
    expect(milestones.filter(({ ok }) => !ok).map(({ name, detail }) => [name, detail])).toEqual([
      ['hostname', '"reswarm", the seed says "gate-7"'],
      ['no-errors', 'seed-key user-data:2:1: packages'],
    ]);
  });

  it('takes a server that was not started for want of a key for what the seed asks for', () => {
    expect(watched(TINY, ['reswarm: ssh no-key']).reached.get('ssh')).toMatchObject({ ok: true });
    expect(watched(TINY, ['reswarm: ssh 22']).reached.has('ssh')).toBe(false);
  });

  it('ends at a panic, whatever came before', () => {
    const watch = watched(TINY, [...GOOD, 'Kernel panic - not syncing: No working init found.']);
    const proof = concludeSmall('virt', watch, CLOCK);
    expect(proof).toMatchObject({ passed: false, verdict: 'does-not-work', stopped: { code: 'kernel-panic' } });
  });

  it('is not proven where this machine was too slow', () => {
    const proof = concludeSmall('virt', watched(TINY, []), CLOCK, { code: 'too-slow', detail: 'it did not come' });
    expect(proof.verdict).toBe('not-proven');
  });

  it('asks a system of one workload for no seed and no power-off', () => {
    expect(smallMilestones(MINIMAL)).toEqual(['kernel', 'init', 'network', 'ready', 'workload', 'no-errors']);
    const lines = ['Linux version 6.12.118', 'reswarm: init', 'reswarm: network eth0 10.0.2.15/24', 'reswarm: ready'];
    const failed = watched(MINIMAL, [...lines, 'reswarm: check failed 3']);
    expect(concludeSmall('q35', failed, CLOCK).passed).toBe(false);
    const passed = watched(MINIMAL, [...lines, 'reswarm: check passed']);
    expect(concludeSmall('q35', passed, CLOCK).passed).toBe(true);
    expect(concludeSmall('q35', watchSmallLine(passed, 'reswarm: ended with 1', 9), CLOCK).passed).toBe(false);
    expect(watched(MINIMAL, ['reswarm: network none']).reached.has('network')).toBe(false);
  });
});
