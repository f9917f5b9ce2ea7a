import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, errorCode, resultOf } from '../cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-pc-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('an image for a virtual PC boots on q35 without being told so, and on no machine of another architecture', async () => {
  const image = join(folder, 'pc.img');
  const built = await cli(['build', '--board', 'pc-amd64', '--yes', '--json', '--output', image, '--hostname', 'pc-1']);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const checked = await cli(['boot', image, '--check', '--json', '--timeout', '1500']);
  expect(checked.exitCode, checked.stdout.slice(-4000) + checked.stderr).toBe(0);
  expect(resultOf(checked)).toMatchObject({ machine: 'q35', passed: true });
  expect(errorCode(await cli(['boot', image, '--check', '--json', '--machine', 'virt']))).toBe(
    'machine-of-other-architecture',
  );
});
