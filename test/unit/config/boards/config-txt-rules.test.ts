import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
const OVERLAY = '/dts-v1/;\n/plugin/;\n';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-config-txt-'));
  for (const name of ['my-hat.dtso', 'I2C1.dtso', 'my-hat-overlay.dts', 'my-hat.dtbo']) {
    await writeFile(join(folder, name), OVERLAY);
  }
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function check(base: string, ...lines: string[]) {
  const file = join(folder, 'mine.yaml');
  await writeFile(file, `${['id: mine', `extends: ${base}`, ...lines].join('\n')}\n`);
  return (await checkImage({ board: file }, configPlaces(projectDir, folder))).problems;
}

/** `code line:column` of each problem. */
async function placed(base: string, ...lines: string[]): Promise<string[]> {
  return (await check(base, ...lines)).map(({ code, line, column }) => `${code} ${line ?? '-'}:${column ?? '-'}`);
}

/** The lines under `[filter]` and nothing else under configTxt. */
function under(filter: string, ...lines: string[]): string[] {
  return ['configTxt:', `  ${filter}: [${lines.map((line) => JSON.stringify(line)).join(', ')}]`];
}

const MISSING = ['config-txt-file-missing 4:9'];
const NO_EFFECT = ['config-txt-no-effect 4:9'];

describe('config.txt and the firmware that is shipped', () => {
  it.each<[string, string, string[], string[]]>([
    ['16 MB for the GPU', 'rpi4', under('pi4', 'gpu_mem=16'), MISSING],
    ['less than that', 'rpi4', under('pi4', 'gpu_mem=8'), MISSING],
    ['16 MB by the size of the memory', 'rpi4', under('pi4', 'gpu_mem_1024=16'), MISSING],
    ['16 MB on devices of 512 MB', 'rpizero2w', under('all', 'gpu_mem_512=16'), ['config-txt-file-missing 4:9']],
    ['the camera firmware', 'rpi4', under('pi4', 'start_x=1'), MISSING],
    ['the debugging firmware', 'rpi3', under('pi3', 'start_debug=1'), MISSING],
    ['firmware by its name', 'rpi4', under('pi4', 'start_file=start4x.elf'), MISSING],
    ['its other half', 'rpi4', under('pi4', 'fixup_file=fixup4x.dat'), MISSING],
    ['half a pair', 'rpi4', under('pi4', 'start_file=start4.elf'), ['config-txt-line-invalid 4:9']],
    [
      'the cut-down firmware by its name',
      'rpi4',
      under('pi4', 'start_file=start4cd.elf'),
      ['config-txt-line-invalid 4:9'],
    ],
    ['an initramfs', 'rpi4', under('pi4', 'initramfs initrd.img followkernel'), MISSING],
    ['another one', 'rpi4', under('pi4', 'ramfsfile=initrd.img'), MISSING],
    ['an include', 'rpi4', under('pi4', 'include extra.txt'), MISSING],
    ['a stub', 'rpi4', under('pi4', 'armstub=armstub8-gic.bin'), MISSING],
    ['another device tree', 'rpi4', under('pi4', 'device_tree=bcm2711-rpi-cm4s.dtb'), MISSING],
    ['no device tree', 'rpi4', under('pi4', 'device_tree='), ['config-txt-line-invalid 4:9']],
    ['a prefix without a kernel', 'rpi4', under('pi4', 'os_prefix=new/'), ['config-txt-no-effect 4:9']],
    ['a prefix without overlays', 'rpi4', under('pi4', 'overlay_prefix=mine/'), ['config-txt-no-effect 4:9']],
  ])('refuses %s', async (_, base, lines, expected) => {
    expect(await placed(base, ...lines)).toEqual(expected);
  });

  it('names the files of each kind of device that reads the line', async () => {
    const [problem] = await check('rpi', ...under('all', 'gpu_mem=16'));
    for (const file of ['start_cd.elf', 'fixup_cd.dat', 'start4cd.elf', 'fixup4cd.dat']) {
      expect(problem?.message).toContain(file);
    }
    const [ofThe3] = await check('rpi', ...under('pi3', 'gpu_mem=16'));
    expect(ofThe3?.message).toContain('start_cd.elf');
    expect(ofThe3?.message).not.toContain('start4cd.elf');
  });

  it.each<[string, string, string[]]>([
    [
      'what is shipped',
      'rpi4',
      ['firmware: { files: [start4.elf, fixup4.dat, start4cd.elf, fixup4cd.dat] }', ...under('pi4', 'gpu_mem=16')],
    ],
    ['more for the GPU', 'rpi4', under('all', 'gpu_mem=32', 'gpu_mem_1024=128')],
    ['what is for devices that the board is not for', 'rpi4', under('pi3', 'gpu_mem=16', 'start_x=1')],
    ['what is for nobody', 'rpi4', under('none', 'start_x=1')],
    ['what the 5 does not read', 'rpi5', under('all', 'gpu_mem=16', 'start_x=1')],
    ['what is switched off', 'rpi4', under('all', 'start_x=0', 'start_debug=0', 'camera_auto_detect=0')],
    ['a pair that is shipped', 'rpi4', under('all', 'start_file=start4.elf', 'fixup_file=fixup4.dat')],
    ['a device tree that is shipped', 'rpi4', under('cm4', 'device_tree=bcm2711-rpi-cm4-io.dtb')],
    ['one that is shipped under another name', 'rpi5', under('pi5', 'device_tree=bcm2712d0-rpi-5-b.dtb')],
    ['the usual place of overlays', 'rpi4', under('all', 'overlay_prefix=overlays/', 'os_prefix=')],
    ['a filter by type of board', 'rpi4', under('"board-type=0x14"', 'core_freq=360')],
  ])('takes %s', async (_, base, lines) => {
    expect(await placed(base, ...lines)).toEqual([]);
  });
});

describe('config.txt and the device trees', () => {
  it.each<[string, string[], string[]]>([
    ['a parameter of the device tree', under('all', 'dtparam=audio=on'), NO_EFFECT],
    ['one by its old name', under('all', 'device_tree_param=spi=on'), NO_EFFECT],
    [
      'one after the scope of an overlay',
      under('all', 'dtoverlay=i2c1', 'dtoverlay=', 'dtparam=spi=on'),
      ['config-txt-no-effect 4:41'],
    ],
    ['overlays for what is detected', under('all', 'camera_auto_detect=1'), NO_EFFECT],
    [
      'a source with the ending of other sources',
      ['deviceTreeOverlays: [./my-hat-overlay.dts]'],
      ['device-tree-overlay-name 3:22'],
    ],
    ['one that is compiled', ['deviceTreeOverlays: [./my-hat.dtbo]'], ['device-tree-overlay-name 3:22']],
    ['two of one name to a FAT', ['deviceTreeOverlays: [i2c1, ./I2C1.dtso]'], ['device-tree-overlay-name 3:28']],
  ])('refuses %s', async (_, lines, expected) => {
    expect(await placed('rpi4', ...lines)).toEqual(expected);
  });

  it('takes parameters of an overlay, and those of device trees that it does not know', async () => {
    expect(await placed('rpi4', ...under('all', 'dtoverlay=i2c1', 'dtparam=speed=400000'))).toEqual([]);
    expect(
      await placed(
        'rpi4',
        'kernel:',
        '  source: { url: "https://example.org/linux.tar.gz", sha256: "' + '0'.repeat(64) + '" }',
        ...under('all', 'dtparam=audio=on'),
      ),
    ).toEqual([]);
  });

  it('hints at the overlay that does what the parameter does elsewhere, and at the name of the source', async () => {
    const hint = async (...lines: string[]) => (await check('rpi4', ...lines))[0]?.hint;
    expect(await hint(...under('all', 'dtparam=i2c_arm=on'))).toContain('dtoverlay=i2c1');
    expect(await hint(...under('all', 'dtparam=spi=on'))).toContain('dtoverlay=spi0');
    expect(await hint('deviceTreeOverlays: [./my-hat-overlay.dts]')).toContain('my-hat.dtso');
  });

  it('takes detection where there are overlays of one’s own', async () => {
    expect(
      await placed('rpi4', 'deviceTreeOverlays: [./my-hat.dtso]', ...under('all', 'camera_auto_detect=1')),
    ).toEqual([]);
  });
});
