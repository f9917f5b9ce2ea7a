import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';
import { ed25519Key } from '../helpers/seed-keys.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-tiny-'));
  await writeFile(join(folder, 'ssh.yaml'), 'extends: tiny\nid: tiny-ssh\nssh: dropbear\nfilesystem: squashfs\n');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function build(name: string, args: readonly string[], board = 'virt-arm64') {
  const image = join(folder, name);
  return resultOf(await cli(['build', '--board', board, '--yes', '--json', '--output', image, ...args]));
}

describe('a tiny system', () => {
  it('boots from memory, obeys its seed, and is the same bytes twice', async () => {
    const seed = ['--hostname', 'meter-7'];
    const first = await build('first.img', ['--system', 'tiny', ...seed]);
    const second = await build('second.img', ['--system', 'tiny', ...seed]);
    expect(second['sha256']).toBe(first['sha256']);
    const booted = await cli(['boot', join(folder, 'first.img'), '--check', '--memory', '64M', '--json']);
    expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
    expect(booted.stdout).toContain('meter-7');
  });

  it('lets people in by ssh with a key, its root a squashfs', async () => {
    await build('ssh.img', ['--system', join(folder, 'ssh.yaml'), '--ssh-key', ed25519Key]);
    const booted = await cli(['boot', join(folder, 'ssh.img'), '--check', '--memory', '64M', '--json']);
    expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
  });

  it('boots with the device tree and the network of a Raspberry Pi 3', async () => {
    await build('rpi3.img', ['--system', 'tiny'], 'rpi3');
    const booted = await cli(['boot', join(folder, 'rpi3.img'), '--check', '--machine', 'raspi3b', '--json']);
    expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
  });

  it('refuses what its seed reader would not do', async () => {
    const userData = join(folder, 'user-data');
    await writeFile(userData, '#cloud-config\npackages: [vim]\n');
    const refused = await cli([
      'build',
      '--board',
      'virt-arm64',
      '--system',
      'tiny',
      '--user-data',
      userData,
      '--json',
    ]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stdout).toContain('tiny-seed-key');
  });
});
