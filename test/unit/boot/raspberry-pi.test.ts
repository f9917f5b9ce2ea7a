import { describe, expect, it } from 'vitest';
import type { Board } from '../../../src/model/board.js';
import { configTxt, kernelCommandLine, raspberryPi } from '../../../src/boot/raspberry-pi.js';

const root = { partUuid: '96627196-02', fsType: 'ext4' };
const board = { consoles: ['tty1', 'ttyS1,115200'], cmdline: ['net.ifnames=0', 'panic=10'] };

const kernel = {
  package: 'linux-source-6.12',
  suite: 'trixie',
  flavour: 'standard',
  localVersion: '',
  fragments: [],
  patches: [],
  profiles: {},
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
    expect(kernelCommandLine(root, board)).toEqual([
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
    const hardware = { ...board, kernel, configTxt: [], deviceTrees: [], deviceTreeCopies: {}, deviceTreeOverlays: [] };
    const parts = {
      kernel: { key: 'k', image: '/k/Image', imageGz: '/k/Image.gz', deviceTrees: '/k/dtbs' },
      firmware: undefined,
      overlays: { key: 'o', path: '/o' },
    };
    const files = raspberryPi.files({ board: { id: 'x', ...hardware } as unknown as Board }, parts, root);
    const file = files.find(({ name }) => name === 'cmdline.txt');
    const text = file !== undefined && 'text' in file ? file.text : '';
    expect(text.indexOf('\n')).toBe(text.length - 1);
  });
});
