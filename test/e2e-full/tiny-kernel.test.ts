import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { KernelCheck } from '../../src/build/kernel/check-kernel.js';
import { cli, errorCode, resultOf } from '../helpers/cli.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-tiny-kernel-'));
  return () => rm(folder, { recursive: true });
});

/** One board of each kernel; the Raspberry Pi 5's comes from other sources. */
describe.each(['virt-arm64', 'rpi5', 'pc-amd64'])('the tiny kernel of %s', (board) => {
  it('keeps every option that its fragments ask for, and has what small systems need', async () => {
    const checked = await cli(['kernel', 'check', '--board', board, '--profile', 'tiny', '--json']);
    expect(checked.exitCode, checked.stdout.slice(-3000)).toBe(0);
    const { asked, kept, modules, lists } = resultOf(checked) as unknown as KernelCheck;
    expect({ kept, modules }).toEqual({ kept: asked, modules: 0 });
    expect(lists.map(({ source }) => source).filter((source) => /moby|systemd/.test(source))).toEqual([]);
    expect(lists.length).toBeGreaterThan(5);
  });
});

const MB = 1_000_000;

/** What the boot loader of each loads; the budgets of issue 11. */
describe.each([
  ['virt-arm64', 'Image.gz', 3.3 * MB],
  ['pc-amd64', 'Image', 3 * MB],
])('the tiny kernel of %s, compiled', (board, image, budget) => {
  it('stays within its size, and has no module', async () => {
    const output = join(folder, 'kernel');
    const built = await cli(['kernel', 'build', '--board', board, '--profile', 'tiny', '--output', output, '--json']);
    expect(built.exitCode, built.stdout.slice(-3000)).toBe(0);
    const { release } = resultOf(built) as unknown as { release: string };
    expect(release).toMatch(/^6\.12\.\d+-reswarm-tiny$/);
    expect((await stat(join(output, image))).size).toBeLessThanOrEqual(budget);
    const modules = await readdir(join(output, 'modules'), { recursive: true });
    expect(modules.filter((name) => /\.ko/.test(name))).toEqual([]);
    expect(await readFile(join(output, 'config'), 'utf8')).not.toMatch(/=m$/m);
  });
});

it('a profile that the board has not is refused, with those that it has', async () => {
  const refused = await cli(['kernel', 'check', '--board', 'rpi4', '--profile', 'tinny', '--json']);
  expect(refused.exitCode).toBe(2);
  expect(errorCode(refused)).toBe('kernel-profile-missing');
});
