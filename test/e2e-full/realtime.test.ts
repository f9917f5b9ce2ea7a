import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-rt-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('an image of the realtime flavour boots PREEMPT_RT, and its latencies are measured', async () => {
  const image = join(folder, 'rt.img');
  const flavour = ['--kernel-flavour', 'rt'];
  const built = await cli(['build', '--board', 'virt-arm64', ...flavour, '--yes', '--json', '--output', image]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const checked = await cli(['boot', image, '--check', '--json', '--timeout', '3000']);
  expect(checked.exitCode, checked.stdout.slice(-4000) + checked.stderr).toBe(0);
  const { milestones } = resultOf(checked) as unknown as {
    milestones: { name: string; ok: boolean; detail: string }[];
  };
  const latency = milestones.find(({ name }) => name === 'latency');
  expect(latency).toMatchObject({ ok: true });
  console.log(`latency of an emulated machine: ${latency?.detail ?? ''}`);
});
