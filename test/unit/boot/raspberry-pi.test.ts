import { describe, expect, it } from 'vitest';
import { cmdlineTxt, configTxt, fstab, kernelCommandLine } from '../../../src/boot/boot-files.js';
import { MiB } from '../../../src/model/bytes.js';
import { planDiskLayout } from '../../../src/disk/disk-layout.js';

const request = { startBytes: 'auto', sizeBytes: 'auto', headroomBytes: MiB } as const;
const partitions = {
  alignmentBytes: 4 * MiB,
  boot: { ...request, label: 'BOOT' },
  root: { ...request, label: 'root' },
};
const layout = planDiskLayout(
  { id: 'rpi4', partitions },
  { boot: { bytes: 0, files: 0 }, root: { bytes: 0, files: 0 } },
);
const board = { consoles: ['tty1', 'ttyS1,115200'], cmdline: ['net.ifnames=0', 'panic=10'] };

const kernel = {
  package: 'linux-source-6.12',
  suite: 'trixie',
  flavour: 'standard',
  localVersion: '',
  fragments: [],
  patches: [],
  image: { name: 'kernel8.img', compression: 'gzip' },
} as const;

describe('configTxt', () => {
  it('puts [all] first, keeps repeated keys in order and ends under [all]', () => {
    const text = configTxt({
      id: 'rpi4',
      kernel,
      configTxt: [
        { filter: 'pi4', lines: ['core_freq=360'] },
        { filter: 'all', lines: ['dtparam=i2c_arm=on', 'dtparam=spi=on'] },
      ],
    });
    expect(text.split('\n').slice(1)).toEqual([
      '[all]',
      'kernel=kernel8.img',
      'dtparam=i2c_arm=on',
      'dtparam=spi=on',
      '',
      '[pi4]',
      'core_freq=360',
      '',
      '[all]',
      '',
    ]);
  });

  it('has one section when the board has none of its own', () => {
    expect(configTxt({ id: 'x', kernel, configTxt: [] })).toMatch(/^#.*\n\[all\]\nkernel=kernel8\.img\n$/);
  });
});

describe('kernelCommandLine', () => {
  it('finds the root partition by its PARTUUID and keeps the order of the consoles', () => {
    expect(kernelCommandLine(layout, board)).toEqual([
      'console=tty1',
      'console=ttyS1,115200',
      'root=PARTUUID=96627196-02',
      'rootfstype=ext4',
      'rootwait',
      'net.ifnames=0',
      'panic=10',
    ]);
  });

  it('is one line in cmdline.txt: the firmware reads no second one', () => {
    const text = cmdlineTxt(layout, board);
    expect(text.indexOf('\n')).toBe(text.length - 1);
  });
});

describe('fstab', () => {
  it('mounts both partitions by PARTUUID and hides seeds from all but root', () => {
    const rows = fstab(layout)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '));
    expect(rows.map(([source, mount, type]) => [source, mount, type])).toEqual([
      ['PARTUUID=96627196-02', '/', 'ext4'],
      ['PARTUUID=96627196-01', '/boot', 'vfat'],
    ]);
    expect(rows[1]?.[3]?.split(',')).toContain('umask=0077');
    expect(rows.every((row) => row.length === 6)).toBe(true);
  });
});
