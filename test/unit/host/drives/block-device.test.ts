import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockDevice } from '../../../../src/host/drives/block-device.js';
import { blockDevicesFromLsblk } from '../../../../src/host/drives/block-device.js';
import type { DeviceNeed, RefusalReason } from '../../../../src/drives/refusals.js';
import { deviceRefusals, LARGEST_CARD_BYTES } from '../../../../src/drives/refusals.js';
import { deviceText } from '../../../../src/host/drives/device-text.js';
import { DIALECTS, everyRow, factsOf, kernelName, lsblkOutput, majorMinor } from '../../../helpers/lsblk-dialects.js';
import type { Machine, Row } from '../../../helpers/lsblk-machines.js';
import { MACHINES } from '../../../helpers/lsblk-machines.js';

const FIXTURES = join(import.meta.dirname, '../../../fixtures/lsblk');
const EVERY_FLAG: DeviceNeed = { isNamed: true, allowLarge: true, allowBuiltIn: true };

function devicesOf(machine: Machine, dialect: (typeof DIALECTS)[number]): readonly BlockDevice[] {
  const devices = blockDevicesFromLsblk(lsblkOutput(machine, dialect), factsOf(machine));
  if (devices === undefined) throw new Error('no devices');
  return devices;
}

function reasons(device: BlockDevice, need: DeviceNeed = {}): readonly RefusalReason[] {
  return deviceRefusals(device, need).map(({ reason }) => reason);
}

/** Kernel names in /dev, whatever the version of lsblk calls the device. */
function paths(devices: readonly BlockDevice[]): readonly string[] {
  return devices.map(({ name }) => `/dev/${name}`);
}

describe.each(DIALECTS)('machines as lsblk %s shows them', (dialect) => {
  it.each(MACHINES.map((machine) => [machine.title, machine] as const))('%s', (_, machine) => {
    const devices = devicesOf(machine, dialect);
    expect(paths(devices.filter((device) => reasons(device).length === 0))).toEqual(machine.accepted);
    const whateverIsSaid = paths(devices.filter((device) => reasons(device, EVERY_FLAG).length > 0));
    expect(whateverIsSaid).toEqual(expect.arrayContaining([...machine.system]));
    for (const [path, expected] of Object.entries(machine.reasons ?? {})) {
      const device = devices.find(({ name }) => `/dev/${name}` === path);
      expect(device && reasons(device), path).toEqual(expect.arrayContaining([...expected]));
    }
  });
});

it('there are enough machines, and most have a system disk', () => {
  expect(MACHINES.length).toBeGreaterThanOrEqual(40);
  expect(MACHINES.filter(({ system }) => system.length > 0).length).toBeGreaterThan(40);
});

describe('recorded outputs', () => {
  /** `lsblk --pairs`: a flat list without parents. */
  function fromPairs(text: string): unknown {
    const rows = text
      .trim()
      .split('\n')
      .map((line) => [...line.matchAll(/([A-Z:]+)="([^"]*)"/g)]);
    return {
      blockdevices: rows.map((row) =>
        Object.fromEntries(row.map(([, key = '', value]) => [key.toLowerCase(), value === '' ? null : value])),
      ),
    };
  }

  async function recorded(file: string): Promise<readonly BlockDevice[]> {
    const text = await readFile(join(FIXTURES, file), 'utf8');
    const json: unknown = file.endsWith('.json') ? JSON.parse(text) : fromPairs(text);
    return blockDevicesFromLsblk(json, { mountinfo: '', swaps: '', sysfs: [] }) ?? [];
  }

  it.each([
    ['no-children-mountpoints.json', ['nvme0n1', 'nvme0n1p1', 'nvme0n1p2', 'nvme0n1p3']],
    ['no-partition-table.txt', ['sda', 'centos-root', 'centos-swap']],
    ['ubuntu-14.04-1.txt', ['sda', 'sda4', 'sda5']],
    ['ubuntu-14.04-2.txt', ['sda', 'sda1', 'sda5']],
    ['ubuntu-14.04-3.txt', ['nvme0n1', 'nvme0n1p4']],
  ])('%s: nothing can be written, least of all the system', async (file, system) => {
    const devices = await recorded(file);
    expect(devices.filter((device) => reasons(device).length === 0)).toEqual([]);
    for (const name of system) {
      const device = devices.find((candidate) => candidate.name === name);
      expect(device && reasons(device, EVERY_FLAG), name).not.toEqual([]);
    }
  });

  it('all have their case', async () => {
    const files = (await readdir(FIXTURES)).filter((name) => name !== 'README.md');
    expect(files).toHaveLength(5);
  });

  it('a size that is not in bytes is no size', async () => {
    const devices = await recorded('no-children-mountpoints.json');
    expect(devices.find(({ name }) => name === 'sda')?.sizeBytes).toBeUndefined();
  });
});

describe('what is asked of a device', () => {
  const machine: Machine = {
    title: 'a reader',
    rows: [
      { name: 'sda', size: 200e9, tran: 'sata', children: [{ name: 'sda1', type: 'part', mounts: ['/'] }] },
      { name: 'sdb', size: 8e9, rm: true, tran: 'usb' },
      { name: 'sdc', size: LARGEST_CARD_BYTES + 512, rm: true, tran: 'usb' },
      { name: 'nvme0n1', size: 64e9, tran: 'nvme' },
      { name: 'loop3', type: 'loop', size: 8e9 },
    ],
    accepted: [],
    system: [],
  };
  const devices = devicesOf(machine, '2.38');
  const device = (name: string): BlockDevice => {
    const found = devices.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  it('is room: both sizes are said', () => {
    expect(reasons(device('sdb'), { sizeBytes: 8e9 })).toEqual([]);
    const [refusal] = deviceRefusals(device('sdb'), { sizeBytes: 8e9 + 1 });
    expect(refusal).toMatchObject({ reason: 'too-small' });
    expect(refusal?.message).toContain('8000000000 bytes');
    expect(refusal?.message).toContain('8000000001 bytes');
  });

  it('is a plausible size, unless a flag says otherwise', () => {
    expect(reasons(device('sdc'))).toEqual(['too-large']);
    expect(reasons(device('sdc'), { allowLarge: true })).toEqual([]);
  });

  it('is not to be a part of the machine, unless a flag says otherwise', () => {
    expect(reasons(device('nvme0n1'))).toEqual(['built-in']);
    expect(reasons(device('nvme0n1'), { allowBuiltIn: true })).toEqual([]);
  });

  it('of a loop device, is to be named', () => {
    expect(reasons(device('loop3'))).toEqual(['loop-not-named']);
    expect(reasons(device('loop3'), { isNamed: true })).toEqual([]);
  });

  it('is not to hold the image', () => {
    const on = (number: string) => ({ images: [{ path: '/x.img', devices: [number] }], isNamed: true });
    expect(reasons(device('sdb'), on('8:16'))).toEqual(['holds-image']);
    expect(reasons(device('loop3'), on('7:3'))).toEqual(['holds-image']);
    expect(reasons(device('sda'), on('8:1'))).toContain('holds-image');
    expect(reasons(device('sdb'), on('8:1'))).toEqual([]);
  });

  it.each([
    ['nothing says that it can be written', { ro: null }, 'read-only'],
    ['its kind is not said', { type: null }, 'not-a-drive'],
    ['its size is not said', { size: null }, 'no-medium'],
    ['its size is no number', { size: '7,4G' }, 'no-medium'],
    ['nothing says that it is removable', { rm: null, tran: null }, 'built-in'],
  ])('is to be known: refused when %s', (_, change, reason) => {
    const output = lsblkOutput(machine, '2.38') as { blockdevices: object[] };
    const rows = output.blockdevices.map((row, index) => (index === 1 ? { ...row, ...change } : row));
    const changed = blockDevicesFromLsblk({ blockdevices: rows }, factsOf(machine)) ?? [];
    const found = changed.find(({ name }) => name === 'sdb');
    expect(found && reasons(found)).toContain(reason);
  });

  it('cannot be told from something else than a list of devices', () => {
    for (const json of [undefined, null, [], {}, 'text', { blockdevices: {} }]) {
      expect(blockDevicesFromLsblk(json, { mountinfo: '', swaps: '', sysfs: [] })).toBeUndefined();
    }
  });
});

describe('the disk of the running system', () => {
  const leaf = fc.constantFrom('ext4', 'xfs', 'btrfs', 'LVM2_member', 'crypto_LUKS', undefined);
  /** A tree of volumes on volumes of any height; names are given afterwards. */
  const tree = fc.letrec<{ node: Row }>((tie) => ({
    node: fc.record({
      name: fc.constant(''),
      type: fc.constantFrom('lvm', 'crypt', 'raid1', 'dm', 'mpath'),
      fstype: leaf.map((fstype) => fstype ?? ''),
      children: fc.oneof({ maxDepth: 4 }, fc.constant<Row[]>([]), fc.array(tie('node'), { maxLength: 2 })),
    }),
  })).node;
  const disk = fc.record({
    bus: fc.constantFrom('usb', 'sata', 'nvme', undefined),
    rm: fc.boolean(),
    size: fc.integer({ min: 1e9, max: 2e11 }),
    volumes: fc.array(tree, { maxLength: 3 }),
  });

  it('is refused wherever in its tree "/" is mounted, whatever flags are given, in every version of lsblk', () => {
    fc.assert(
      fc.property(
        fc.array(disk, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.constantFrom('/', '/usr', '/boot/efi', '[SWAP]', '/home/x'),
        fc.constantFrom(...DIALECTS),
        (disks, choice, mountPoint, dialect) => {
          let volumes = 0;
          const named = (row: Row): Row => ({
            ...row,
            name: `volume-${volumes}`,
            kname: `dm-${volumes++}`,
            ...(row.children === undefined ? {} : { children: row.children.map(named) }),
          });
          const rows: Row[] = disks.map(({ bus, rm, size, volumes: children }, index) => ({
            name: `sd${String.fromCharCode(97 + index)}`,
            rm,
            size,
            ...(bus === undefined ? {} : { tran: bus }),
            children: [{ name: `sd${String.fromCharCode(97 + index)}1`, type: 'part', children: children.map(named) }],
          }));
          const all = everyRow(rows);
          const chosen = all[choice % all.length];
          const mounted = (row: Row): Row => ({
            ...row,
            ...(row === chosen ? { mounts: [mountPoint] } : {}),
            ...(row.children === undefined ? {} : { children: row.children.map(mounted) }),
          });
          const machine: Machine = { title: '', rows: rows.map(mounted), accepted: [], system: [] };
          const root = rows.find((row) => everyRow([row]).some((below) => below === chosen));
          const found = devicesOf(machine, dialect).find(({ name }) => root !== undefined && name === kernelName(root));
          expect(found && reasons(found, EVERY_FLAG)).toContain('running-system');
          expect(found?.stack).toContain(chosen && majorMinor(chosen));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('what a drive says of itself', () => {
  it.each([
    ['Cruzer\u202eAS\u202c Fit', 'Cruzer AS Fit'],
    ['\u001b[31mSD\u001b[0m', '[31mSD [0m'],
    ['zero\u200bwidth\u200d\ufeff', 'zero width'],
    ['line\nbreak\ttab', 'line break tab'],
    ['Generic\\x20SD\\x2fMMC', 'Generic SD/MMC'],
    ['\\xe2\\x80\\xaeevil', 'evil'],
    ['Karte für Müller', 'Karte für Müller'],
    ['\u2066\u3164\u2800\u00ad', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('is shown without what hides or reorders: %j', (text, shown) => {
    expect(deviceText(text)).toBe(shown);
  });

  it('never has a control or formatting character, and ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const shown = deviceText(text) ?? '';
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(Array.from(shown).length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
