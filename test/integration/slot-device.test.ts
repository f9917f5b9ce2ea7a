import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAutoboot } from '../../src/formats/autoboot.js';
import type { DeviceStart } from '../helpers/slot-device.js';
import { SlotDevice } from '../helpers/slot-device.js';

const ON_A: DeviceStart = { slot: 'A', tryboot: false, capabilities: 12 };
const ON_B: DeviceStart = { slot: 'B', tryboot: false, capabilities: 12 };
const TRIAL_OF_B: DeviceStart = { slot: 'B', tryboot: true, capabilities: 12 };

let device: SlotDevice;
beforeEach(async () => {
  device = await SlotDevice.make();
});
afterEach(() => device.remove());

async function defaultSlot(): Promise<number | undefined> {
  return readAutoboot((await device.text('boot/autoboot.txt')) ?? '', false).bootPartition;
}

async function slotOf(start: DeviceStart): Promise<Record<string, unknown>> {
  return JSON.parse((await device.run(start, 'facts')).stdout) as Record<string, unknown>;
}

describe('the boot loader backend of RAUC', () => {
  beforeEach(() => device.run(ON_A, 'begin'));

  it('knows the running slot and the default, and that nothing is in the other one yet', async () => {
    expect((await device.run(ON_A, 'slots', 'get-current')).stdout).toBe('A\n');
    expect((await device.run(ON_A, 'slots', 'get-primary')).stdout).toBe('A\n');
    expect((await device.run(ON_A, 'slots', 'get-state', 'B')).stdout).toBe('bad\n');
    expect(await slotOf(ON_A)).toMatchObject({ slot: 'A', default: 'A', trial: false, slots: { B: { state: 'empty' } } });
  });

  it('arms a trial by the argument of the next reboot, and leaves autoboot.txt as it is', async () => {
    await device.run(ON_A, 'slots', 'set-primary', 'B');
    expect(await device.text('run/systemd/reboot-param')).toBe('0 tryboot');
    expect((await device.run(ON_A, 'slots', 'get-primary')).stdout).toBe('B\n');
    expect(await defaultSlot()).toBe(2);
    await device.run(ON_A, 'slots', 'set-primary', 'A');
    expect(await device.text('run/systemd/reboot-param')).toBeUndefined();
  });

  it('commits a trial by writing autoboot.txt in place', async () => {
    const before = await device.text('boot/autoboot.txt');
    await device.run(TRIAL_OF_B, 'slots', 'set-state', 'B', 'good');
    expect(await defaultSlot()).toBe(3);
    expect(await device.text('boot/autoboot.txt')).toHaveLength(before?.length ?? 0);
  });

  it.each([
    ['empty', ''],
    ['garbage', '\u0000\u0001[[[\n=x'.repeat(99)],
  ])('takes A for the default where autoboot.txt is %s, and a start mends it', async (_, text) => {
    await device.put('boot/autoboot.txt', text);
    expect((await device.run(ON_A, 'slots', 'get-primary')).stdout).toBe('A\n');
    await device.run(ON_A, 'health');
    expect(await defaultSlot()).toBe(2);
  });
});

describe('what may be installed when', () => {
  it.each<[string, DeviceStart, string]>([
    ['a boot loader without trials', { ...ON_A, capabilities: 8 }, 'no-tryboot'],
    ['a machine without a boot loader of its own', { ...ON_A, capabilities: undefined }, 'no-boot-loader-facts'],
    ['a trial that is not decided', TRIAL_OF_B, 'on-trial'],
    ['a data partition that is not mounted', { ...ON_A, data: false }, 'no-data'],
  ])('refuses %s', async (_, start, code) => {
    const result = await device.run(start, 'gate');
    expect(result).toMatchObject({ code: 1 });
    expect(result.stdout).toMatch(new RegExp(`^${code} `));
  });

  it('lets a device that has all of it install', async () => {
    expect((await device.run(ON_A, 'gate')).code).toBe(0);
  });
});

describe('what becomes of a trial', () => {
  beforeEach(async () => {
    await device.run(ON_A, 'begin');
    await device.run(ON_A, 'slots', 'set-primary', 'B');
    await device.put('data/reswarm/updates/installing.json', '{"version":"1.2.3","bundleSha256":"abc"}\n');
  });

  async function lastLine(): Promise<Record<string, unknown>> {
    return JSON.parse((await device.state('history.ndjson'))?.trim().split('\n').at(-1) ?? 'null') as Record<string, unknown>;
  }

  it('failed, where the old slot went down for it and comes back: the kernel did not come up', async () => {
    await device.run(ON_A, 'leave');
    await device.powerOff();
    await device.run(ON_A, 'health');
    expect(await lastLine()).toMatchObject({ slot: 'B', outcome: 'failed', version: '1.2.3', bundleSha256: 'abc' });
    expect((await lastLine()).reason).toMatch(/kernel/);
    expect(await slotOf(ON_A)).toMatchObject({ armed: null, slots: { B: { state: 'bad' } } });
  });

  it('failed with the reason that the trial left', async () => {
    await device.run(ON_A, 'leave');
    await device.powerOff();
    await device.run(TRIAL_OF_B, 'begin');
    await device.put('data/reswarm/updates/reason', 'network: there is no default route\n');
    await device.powerOff();
    await device.run(ON_A, 'health');
    expect(await lastLine()).toMatchObject({ outcome: 'failed', reason: 'network: there is no default route' });
    expect(await device.text('kmsg')).toMatch(/reswarm: update failed B network: there is no default route; back on A/);
  });

  it('did not begin, where the flag was lost or the power was cut before: it is armed again, three times', async () => {
    for (const attempt of [1, 2, 3]) {
      await device.powerOff();
      await device.run(ON_A, 'health');
      expect(await lastLine()).toMatchObject({ outcome: 'not-tried' });
      expect(await device.text('run/systemd/reboot-param')).toBe(attempt < 3 ? '0 tryboot' : undefined);
    }
    expect(await slotOf(ON_A)).toMatchObject({ armed: null, slots: { B: { state: 'bad' } } });
  });

  it('is good, where the power was cut between the commit and its note', async () => {
    await device.run(TRIAL_OF_B, 'slots', 'set-state', 'B', 'good');
    await device.powerOff();
    await device.run(ON_B, 'health');
    expect(await lastLine()).toMatchObject({ slot: 'B', outcome: 'good' });
    expect(await slotOf(ON_B)).toMatchObject({ slot: 'B', default: 'B', armed: null });
  });

  it('stays where a factory-new slot has no trial due', async () => {
    await device.run(ON_A, 'slots', 'set-primary', 'A');
    await device.run(ON_A, 'health');
    expect(await device.state('history.ndjson')).toBeUndefined();
  });
});

describe('starts of a slot in use', () => {
  it('are counted until one is healthy', async () => {
    await device.run(ON_A, 'begin');
    await device.run(ON_A, 'begin');
    expect(await device.state('starts')).toBe('2\n');
    await device.run(ON_A, 'health');
    expect(await device.state('starts')).toBeUndefined();
  });

  it('that fail too often turn back to the other slot, which is not there where nothing was installed', async () => {
    for (let start = 0; start < 5; start++) await device.run(ON_A, 'begin');
    expect(await defaultSlot()).toBe(2);
    await device.run(ON_A, 'slots', 'set-state', 'B', 'good');
    await device.run(ON_A, 'begin');
    expect(await defaultSlot()).toBe(3);
    expect(await device.state('history.ndjson')).toMatch(/"slot":"B","outcome":"turned-back"/);
    expect(await device.state('bad-A')).toMatch(/3 starts/);
  });
});

it('names the partitions of the disk that the root is on, and of no other', async () => {
  expect((await device.run(ON_B, 'name-partition', '1a2b3c4d-06')).stdout).toBe('root-b root\n');
  expect((await device.run(ON_B, 'name-partition', '1a2b3c4d-02')).stdout).toBe('boot-a\n');
  expect((await device.run(ON_B, 'name-partition', '1a2b3c4d-07')).stdout).toBe('data\n');
  expect((await device.run(ON_B, 'name-partition', '99999999-07')).code).toBe(1);
});
