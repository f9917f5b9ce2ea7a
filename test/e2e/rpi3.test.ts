import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-rpi3-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('an image for the Raspberry Pi 3 boots on raspi3b with its own device tree', async () => {
  const image = join(folder, 'rpi3.img');
  const built = await cli(['build', '--board', 'rpi3', '--yes', '--json', '--output', image, '--hostname', 'meter-3']);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const booted = await cli(['boot', image, '--check', '--machine', 'raspi3b', '--json']);
  expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
});
