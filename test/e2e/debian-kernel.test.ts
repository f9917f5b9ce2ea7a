import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-debian-kernel-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it("an image for the Raspberry Pi 4 with Debian's own kernel boots on virt through its early user space", async () => {
  const image = join(folder, 'rpi4.img');
  const built = await cli(['build', '--board', 'rpi4', '--kernel', 'debian', '--yes', '--json', '--output', image]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const log = join(folder, 'console.log');
  const booted = await cli(['boot', image, '--check', '--machine', 'virt', '--json', '--log', log]);
  expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
});
