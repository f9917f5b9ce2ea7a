import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import Build from '../../../src/commands/build.js';
import Devices from '../../../src/commands/devices.js';
import type { BlockDevice } from '../../../src/host/drives/block-device.js';
import { blockDevicesFromLsblk } from '../../../src/host/drives/block-device.js';
import type { Host } from '../../../src/host/host.js';
import { captureOutput } from '../../helpers/captured-output.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { factsOf, lsblkOutput } from '../../helpers/lsblk-dialects.js';
import { MACHINES } from '../../helpers/lsblk-machines.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const output = captureOutput();

function machine(title: string): readonly BlockDevice[] {
  const found = MACHINES.find((candidate) => candidate.title === title);
  const devices = found && blockDevicesFromLsblk(lsblkOutput(found, '2.38'), factsOf(found));
  if (devices === undefined) throw new Error(title);
  return devices;
}

class DevicesOfALaptop extends Devices {
  protected override createHost(): Host {
    return createFakeHost({ blockDevices: () => machine('laptop with NVMe root and a USB stick') });
  }
}

class DevicesOfAnEmptyReader extends Devices {
  protected override createHost(): Host {
    return createFakeHost({ blockDevices: () => machine('card reader without a card') });
  }
}

/** Nothing may be asked of this machine: whatever is wrong shows before. */
class BuildOnNoMachine extends Build {
  protected override createHost(): Host {
    return createFakeHost();
  }
}

describe('devices', () => {
  it('shows what could be written first, then the others and why not', async () => {
    await DevicesOfALaptop.run([], { root });
    const lines = output.stdout.split('\n');
    expect(lines[0]).toBe('Could be written:');
    expect(lines[2]).toMatch(/^ {2}\/dev\/sdb +29\.7 GiB +usb +SanDisk Cruzer Fit +unknown +yes$/);
    expect(lines[3]).toContain('"STICK"');
    const other = lines.findIndex((line) => line.includes('/dev/nvme0n1 '));
    expect(other).toBeGreaterThan(lines.indexOf('Not written to:'));
    expect(lines[other + 1]).toContain('[running-system]');
    expect(output.stdout).toContain('nvme0n1p1 at /boot/efi, nvme0n1p2 at /');
    expect(output.stdout).not.toContain('/dev/sdb1 ');
  });

  it('says so when there is none', async () => {
    await DevicesOfAnEmptyReader.run([], { root });
    expect(output.stdout).toContain('No drive that could be written');
    expect(output.stdout).toContain('[no-medium]');
  });

  it('shows partitions too when all are asked for', async () => {
    await DevicesOfALaptop.run(['--all'], { root });
    expect(output.stdout).toMatch(/\/dev\/sdb1 [^\n]*\n +is a partition/);
  });

  it('prints the same as one JSON document', async () => {
    await DevicesOfALaptop.run(['--json'], { root });
    const { devices } = JSON.parse(output.stdout) as { devices: { path: string; writable: boolean }[] };
    expect(devices.map(({ path, writable }) => [path, writable])).toEqual([
      ['/dev/sdb', true],
      ['/dev/nvme0n1', false],
    ]);
  });
});

describe('build --device', () => {
  it('of no drive ends before anything else', async () => {
    await BuildOnNoMachine.run(['--board', 'rpi4', '--device', '/dev/sd-nowhere', '--yes'], { root });
    expect(output.stderr).toContain('[device-not-found]');
    expect(process.exitCode).toBe(2);
  });

  it.each([[['--device', '/dev/sdb', '--output', 'x.img']], [['--device', '/dev/sdb', '--loop']], [['--allow-large']]])(
    '%j is refused as contradictory',
    async (flags) => {
      await BuildOnNoMachine.run(['--board', 'rpi4', ...flags], { root });
      expect(output.stderr).toMatch(/--device.*\[usage-invalid\]/);
      expect(process.exitCode).toBe(2);
    },
  );
});
