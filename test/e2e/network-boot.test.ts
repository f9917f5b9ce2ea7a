import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, errorCode, resultOf } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-network-'));
  for (const board of ['pc-amd64', 'virt-arm64']) {
    const built = await build(board, board);
    expect(built.exitCode, built.stdout.slice(-4000) + built.stderr).toBe(0);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function build(board: string, name: string, more: readonly string[] = []) {
  const place = ['--output-folder', join(folder, name), '--hostname', 'meter-7'];
  return cli(['build', '--board', board, '--system', 'tiny', '--yes', '--json', ...place, ...more]);
}

async function boot(name: string, more: readonly string[]) {
  return cli(['boot', join(folder, name), '--check', '--json', ...more]);
}

describe('a machine without a drive', () => {
  it('is a PC that starts by PXE, iPXE and HTTP, with the seed of its own folder', async () => {
    const list = join(folder, 'fleet.yaml');
    await writeFile(list, 'devices:\n  - { name: gate-1, mac: "52:54:00:aa:bb:01" }\n');
    const fleet = ['fleet', 'images', list, '--base', join(folder, 'pc-amd64'), '--out', join(folder, 'gates')];
    const made = await cli(fleet);
    expect(made.exitCode, made.stderr).toBe(0);
    const booted = await boot('gates', ['--as', 'gate-1', '--memory', '256M']);
    expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
    const { fetched, milestones } = resultOf(booted) as unknown as {
      fetched: readonly string[];
      milestones: readonly { name: string; detail: string }[];
    };
    expect(fetched).toEqual(['boot.ipxe', 'vmlinuz', '52-54-00-aa-bb-01/seed.cpio', 'initramfs.zst']);
    expect(milestones.find(({ name }) => name === 'hostname')?.detail).toBe('gate-1');
  });

  it('starts on virt from kernel and archives, with the seed of the build', async () => {
    const booted = await boot('virt-arm64', ['--memory', '64M']);
    expect(booted.exitCode, booted.stdout.slice(-4000) + booted.stderr).toBe(0);
    expect(booted.stdout).toContain('meter-7');
  });
});

describe('a folder for network boot', () => {
  it('is the same when it is built again, and says so', async () => {
    const before = await readFile(join(folder, 'virt-arm64/SHA256SUMS'), 'utf8');
    expect(resultOf(await build('virt-arm64', 'virt-arm64'))['unchanged']).toBe(true);
    await build('virt-arm64', 'again');
    expect(await readFile(join(folder, 'again/SHA256SUMS'), 'utf8')).toBe(before);
  });

  it('is not started when a byte of it is wrong, or a file is missing', async () => {
    await cp(join(folder, 'virt-arm64'), join(folder, 'damaged'), { recursive: true });
    const kernel = join(folder, 'damaged/kernel8.img');
    const bytes = await readFile(kernel);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(kernel, bytes);
    const wrong = await boot('damaged', []);
    expect(errorCode(wrong)).toBe('network-file-changed');
    expect(wrong.stdout).toContain('kernel8.img');
    expect(wrong.exitCode).toBe(2);
    await rm(join(folder, 'damaged/initramfs.zst'));
    const missing = await boot('damaged', []);
    expect(missing.stdout).toContain('initramfs.zst is missing');
    const looked = await cli(['inspect', join(folder, 'damaged')]);
    expect(looked.exitCode).toBe(1);
    expect(looked.stdout).toContain('missing: initramfs.zst');
  });

  it('is not replaced when it holds files of somebody else, or folders of devices', async () => {
    await cp(join(folder, 'virt-arm64'), join(folder, 'mine'), { recursive: true });
    await writeFile(join(folder, 'mine/notes.txt'), 'mine\n');
    expect(errorCode(await build('virt-arm64', 'mine'))).toBe('output-folder-not-ours');
    expect(await readFile(join(folder, 'mine/notes.txt'), 'utf8')).toBe('mine\n');
    expect(errorCode(await build('pc-amd64', 'gates'))).toBe('output-folder-has-devices');
  });

  it.each([
    ['rpizero2w', ['--system', 'tiny'], 'board-without-network-boot'],
    ['rpi4', ['--system', 'debian'], 'network-boot-needs-root-in-memory'],
  ])('is refused for the board %s with %j', async (board, options, code) => {
    const out = join(folder, 'refused');
    const refused = await cli(['build', '--board', board, ...options, '--output-folder', out, '--json']);
    expect(errorCode(refused)).toBe(code);
    expect(refused.exitCode).toBe(2);
  });
});
