import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { BlockDevice } from '../../../src/host/drives/block-device.js';
import { confirmDeviceWrites } from '../../../src/ui/confirm-device.js';

const CARD: BlockDevice = {
  path: '/dev/sdb',
  name: 'sdb',
  majorMinor: '8:16',
  kind: 'disk',
  sizeBytes: 31914983424,
  readOnly: false,
  removable: true,
  bus: 'usb',
  vendor: 'Generic',
  model: 'STORAGE DEVICE',
  serial: '000000001206',
  isMemoryCard: false,
  partitionTable: 'dos',
  partitions: 2,
  contents: [{ device: 'sdb1', fileSystem: 'vfat', label: 'bootfs', sizeBytes: 268435456 }],
  uses: [],
  stack: ['8:16'],
  systemDiskKnown: true,
};

async function confirm(
  answers: string | undefined,
  options: { readonly agreed?: boolean; readonly path?: string; readonly devices?: readonly BlockDevice[] } = {},
): Promise<string> {
  const input = Object.assign(new PassThrough(), { isTTY: answers !== undefined });
  const output = new PassThrough();
  input.end(answers ?? '');
  const plans = (options.devices ?? [CARD]).map((device) => ({
    device,
    path: options.path ?? device.path,
    writes: 'disk.img, 1 GiB',
  }));
  await confirmDeviceWrites(plans, {
    agreed: options.agreed ?? false,
    commandLine: 'reswarm-os build --board rpi4 --device /dev/sdb --yes',
    signal: new AbortController().signal,
    terminal: { input, output },
  });
  return String(output.read());
}

describe('before a drive is overwritten', () => {
  it('the plan is shown: the drive, what is on it, what will be written', async () => {
    const shown = await confirm('/dev/sdb\n');
    for (const part of ['Generic STORAGE DEVICE', '31914983424 bytes', 'usb', '000000001206', 'bootfs', 'disk.img']) {
      expect(shown).toContain(part);
    }
    expect(shown.indexOf('disk.img')).toBeLessThan(shown.indexOf('Type /dev/sdb'));
  });

  it.each(['yes', 'y', '/dev/sda', '/dev/sdb1', 'sdb', '/DEV/SDB', ''])('%j is no confirmation', async (answer) => {
    await expect(confirm(`${answer}\n`)).rejects.toMatchObject({ code: 'device-not-confirmed' });
  });

  it('the end of the input is no confirmation', async () => {
    await expect(confirm('')).rejects.toMatchObject({ code: 'device-not-confirmed' });
  });

  it('each of several drives is to be named', async () => {
    const devices = [CARD, { ...CARD, path: '/dev/sdc' }];
    await expect(confirm('/dev/sdb\n/dev/sdb\n', { devices })).rejects.toMatchObject({ code: 'device-not-confirmed' });
    await expect(confirm('/dev/sdb\n/dev/sdc\n', { devices })).resolves.toContain('/dev/sdc');
  });

  it('where nobody can be asked, the line to type is told', async () => {
    await expect(confirm(undefined)).rejects.toMatchObject({
      code: 'confirmation-needed',
      hints: [expect.stringContaining('reswarm-os build --board rpi4 --device /dev/sdb --yes')],
    });
  });

  it.each([
    ['/dev/sdb', true],
    ['/dev/disk/by-id/usb-Generic_STORAGE_DEVICE_000000001206-0:0', true],
    ['/dev/disk/by-label/bootfs', false],
    ['/dev/card', false],
  ])('--yes with %s: %s', async (path, isEnough) => {
    const confirming = confirm(undefined, { agreed: true, path });
    if (isEnough) await expect(confirming).resolves.toContain('Everything on /dev/sdb will be lost');
    else await expect(confirming).rejects.toMatchObject({ code: 'device-not-confirmed' });
  });
});
