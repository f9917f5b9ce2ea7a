import { describe, expect, it } from 'vitest';
import { lostConfigLines } from '../../../src/provision/lost-config-lines.js';
import { deviceTreeBytes } from '../../helpers/device-tree-bytes.js';

const node = (properties: Record<string, string> = {}) => ({ properties, children: {} });
const tree = (children: Record<string, ReturnType<typeof node>>) => deviceTreeBytes({ properties: {}, children });

/** A boot partition as `build` makes it for a Pi 4. */
const MAINLINE: Record<string, Uint8Array> = {
  'config.txt': Buffer.from('[all]\nkernel=kernel8.img\n[cm4]\ndtoverlay=lost\nstart_debug=1\n[all]\n'),
  'kernel8.img': Buffer.from('x'),
  'start4.elf': Buffer.from('x'),
  'fixup4.dat': Buffer.from('x'),
  'bcm2711-rpi-4-b.dtb': tree({ __symbols__: node({ i2c1: '/x\0' }) }),
  'overlays/i2c1.dtbo': tree({ __fixups__: node({ i2c1: 'x\0' }) }),
  'overlays/other.dtbo': tree({ __fixups__: node({ uart9: 'x\0' }) }),
};
/** As Raspberry Pi OS has it. */
const DOWNSTREAM: Record<string, Uint8Array> = {
  ...MAINLINE,
  'start4cd.elf': Buffer.from('x'),
  'fixup4cd.dat': Buffer.from('x'),
  'bcm2711-rpi-4-b.dtb': tree({ __symbols__: node({ i2c1: '/x\0' }), __overrides__: node({ audio: 'x\0' }) }),
  'overlays/overlay_map.dtb': tree({ 'vc4-kms-v3d': node() }),
};

async function codes(files: Record<string, Uint8Array>, ...lines: string[]): Promise<string[]> {
  const view = {
    names: () => Promise.resolve(Object.keys(files).filter((name) => !name.includes('/'))),
    readFile: (path: string) => Promise.resolve(files[path]),
  };
  return (await lostConfigLines(view, lines)).map(({ code }) => code);
}

describe('lostConfigLines', () => {
  it.each([
    ['gpu_mem=16', 'config-txt-file-missing'],
    ['start_x=1', 'config-txt-file-missing'],
    ['initramfs=initrd.img', 'config-txt-file-missing'],
    ['kernel=my.img', 'config-txt-file-missing'],
    ['dtparam=audio=on', 'config-txt-no-effect'],
    ['dtoverlay=i2c1,speed=1', 'config-txt-no-effect'],
    ['dtoverlay=vc4-kms-v3d', 'device-tree-overlay-unknown'],
    ['dtoverlay=other', 'device-tree-overlay-unfit'],
  ])('finds that %s would be lost', async (line, code) => {
    expect(await codes(MAINLINE, line)).toEqual([code]);
  });

  it('takes what the image can do, and leaves alone what it came with', async () => {
    expect(await codes(MAINLINE, 'dtoverlay=i2c1', 'gpu_mem=64', 'kernel=/kernel8.img', 'kernel=KERNEL8.IMG')).toEqual(
      [],
    );
    expect(await codes(MAINLINE, 'hdmi_force_hotplug=1')).toEqual([]);
  });

  it('judges images of other makers by what is on them', async () => {
    expect(await codes(DOWNSTREAM, 'dtparam=audio=on', 'gpu_mem=16', 'dtoverlay=vc4-kms-v3d')).toEqual([]);
    expect(await codes({ 'config.txt': Buffer.from('') }, 'dtparam=audio=on', 'gpu_mem=16')).toEqual([]);
  });
});
