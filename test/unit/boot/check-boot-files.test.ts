import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BootFile } from '../../../src/boot/boot-tree.js';
import { bootFileProblems } from '../../../src/boot/check-boot-files.js';
import { deviceTreeBytes } from '../../helpers/device-tree-bytes.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-boot-files-'));
  const labels = (...names: string[]) => ({
    properties: Object.fromEntries(names.map((name) => [name, '/x\0'])),
    children: {},
  });
  const write = async (name: string, children: Record<string, ReturnType<typeof labels>>) =>
    writeFile(join(folder, name), deviceTreeBytes({ properties: {}, children }));
  await write('4.dtb', { __symbols__: labels('i2c1') });
  await write('i2c1.dtbo', { __fixups__: labels('i2c1') });
  await write('typo.dtbo', { __fixups__: labels('i2c_one'), __overrides__: labels('speed') });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A boot partition with these lines in its config.txt, as a build is about to make it. */
async function problemsOf(...lines: string[]) {
  const from = (name: string, file: string): BootFile => ({ name, source: join(folder, file), digest: file });
  return bootFileProblems([
    from('bcm2711-rpi-4-b.dtb', '4.dtb'),
    from('overlays/i2c1.dtbo', 'i2c1.dtbo'),
    from('overlays/typo.dtbo', 'typo.dtbo'),
    { name: 'start4.elf', text: '' },
    { name: 'kernel8.img', text: '' },
    { name: 'config.txt', text: `[all]\nkernel=kernel8.img\n${lines.join('\n')}\n` },
  ]);
}

describe('bootFileProblems', () => {
  it('finds nothing where the firmware finds everything', async () => {
    expect(await problemsOf('dtoverlay=i2c1', 'gpu_mem=64', '[pi4]', 'core_freq=360')).toEqual([]);
    expect(await bootFileProblems([{ name: 'vmlinuz', text: '' }])).toEqual([]);
  });

  it.each([
    ['dtoverlay=typo', 'device-tree-overlay-unfit'],
    ['dtoverlay=i2c1,speed=1', 'config-txt-no-effect'],
    ['dtparam=audio=on', 'config-txt-no-effect'],
    ['dtoverlay=none', 'device-tree-overlay-unknown'],
    ['gpu_mem=16', 'config-txt-file-missing'],
  ])('tells what becomes of %s, and under which filter', async (line, code) => {
    const problems = await problemsOf('[cm4]', line);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(problems[0]?.message).toContain(`config.txt, [cm4]: "${line}"`);
  });
});
