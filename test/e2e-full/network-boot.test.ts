import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-network-'));
  for (const board of ['pc-amd64', 'rpi3']) {
    const args = ['build', '--board', board, '--system', 'tiny', '--yes', '--output-folder', join(folder, board)];
    expect((await cli(args)).exitCode).toBe(0);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it.each([
  ['iPXE by TFTP alone', 'pc-amd64', ['--from', 'tftp', '--timeout', '600']],
  ['GRUB by a BIOS and HTTP', 'pc-amd64', ['--loader', 'grub']],
  ['GRUB by UEFI and HTTP', 'pc-amd64', ['--firmware', 'uefi', '--memory', '512M']],
  [
    'GRUB by UEFI and TFTP alone',
    'pc-amd64',
    ['--firmware', 'uefi', '--from', 'tftp', '--memory', '512M', '--timeout', '600'],
  ],
  ['QEMU, as a PC', 'pc-amd64', ['--from', 'initrd']],
  ['QEMU, as a Raspberry Pi 3', 'rpi3', ['--machine', 'raspi3b']],
])('a machine without a drive starts by %s', async (_way, board, args) => {
  const booted = await cli(['boot', join(folder, board), '--check', '--json', ...args]);
  expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
});
