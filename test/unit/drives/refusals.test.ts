import { expect, it } from 'vitest';
import { deviceRefusals } from '../../../src/drives/refusals.js';
import type { SysfsDevice } from '../../../src/host/drives/block-facts.js';
import type { BlockDevice } from '../../../src/host/drives/block-device.js';
import { blockDevicesFromLsblk } from '../../../src/host/drives/block-device.js';
import { GiB } from '../../../src/model/bytes.js';

function card(sysfs: Partial<SysfsDevice>[], mounts: readonly (readonly [device: string, mountPoint: string])[]) {
  const devices = blockDevicesFromLsblk(
    {
      blockdevices: [
        { name: 'sda', 'maj:min': '8:0', type: 'disk', size: 500 * GiB, ro: false, mountpoint: null },
        { name: 'sdx', 'maj:min': '8:16', type: 'disk', size: 32 * GiB, ro: false, rm: true, tran: 'usb' },
        { name: 'loop3', 'maj:min': '7:3', type: 'loop', size: 32 * GiB, ro: false },
        { name: 'loop4', 'maj:min': '7:4', type: 'loop', size: 32 * GiB, ro: false },
      ],
    },
    {
      mountinfo: [['8:0', '/'], ...mounts].map(([number, at]) => `30 1 ${number} / ${at} rw - ext4 none rw`).join('\n'),
      swaps: '',
      sysfs: sysfs.map((device) => ({ name: '', majorMinor: '', slaves: [], holders: [], ...device })),
    },
  );
  return devices?.find(({ name }) => name === 'sdx') as BlockDevice;
}

function reasons(device: BlockDevice): readonly string[] {
  return deviceRefusals(device, {}).map(({ reason }) => reason);
}

it('a card that nothing uses may be written', () => {
  expect(reasons(card([], []))).toEqual([]);
});

it('a card under loop devices is in use, however many lie over each other, and mounted where the last one is', () => {
  const byName: Partial<SysfsDevice>[] = [
    { name: 'loop3', majorMinor: '7:3', backingFile: '/dev/sdx' },
    { name: 'loop4', majorMinor: '7:4', backingFile: '/dev/loop3' },
  ];
  const byNumber: Partial<SysfsDevice>[] = [
    { name: 'loop3', majorMinor: '7:3', backingFile: '/srv/nodes/card', backingDevice: '8:16' },
    { name: 'loop4', majorMinor: '7:4', backingFile: '/srv/nodes/loop', backingDevice: '7:3' },
  ];
  for (const loops of [byName, byNumber]) {
    expect(reasons(card(loops, []))).toEqual(['in-use']);
    expect(reasons(card(loops, [['7:4', '/media/x']]))).toEqual(['mounted', 'in-use']);
  }
});

it('a card that backs a zram is in use', () => {
  expect(reasons(card([{ name: 'loop3', majorMinor: '7:3', backingFile: '/dev/sdx' }], []))).toEqual(['in-use']);
});

it.each(['/root/sdcard', '/home/pi/card', '/media/pi/boot', '/tmp/card', '/mnt'])(
  'a card mounted at %s is mounted',
  (at) => {
    const device = card([], [['8:16', at]]);
    expect(reasons(device)).toEqual(['mounted']);
    expect(deviceRefusals(device, {})[0]?.hint).toContain('umount');
  },
);

it.each(['/', '/root', '/home', '/home/pi', '/tmp', '/usr/local', '/boot/firmware', '/srv/data', '/var/lib/docker'])(
  'a drive mounted at %s belongs to the running system',
  (at) => {
    expect(reasons(card([], [['8:16', at]]))).toEqual(['running-system']);
  },
);
