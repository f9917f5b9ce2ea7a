import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFolder } from '../../../src/host/replace-folder.js';
import {
  checkNetworkFiles,
  checkOutputFolder,
  readNetworkManifest,
  requireNetworkFolder,
} from '../../../src/images/network-folder.js';
import { FolderWriter } from '../../../src/images/write-network-folder.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-folder-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const about = {
  version: '1',
  key: 'key',
  board: 'rpi4',
  boardName: 'Raspberry Pi 4',
  models: ['Raspberry Pi 4 Model B'],
  architecture: 'arm64' as const,
  system: 'tiny',
  hasOwnSeed: false,
  devices: [],
};

async function make(out: string, more: Partial<typeof about> = {}): Promise<void> {
  await replaceFolder(out, 0o755, async (staging) => {
    const writer = new FolderWriter(staging, 1_767_225_600);
    await writer.add('kernel8.img', 0o644, { content: Buffer.from('kernel') });
    await writer.add('config.txt', 0o644, { content: Buffer.from('kernel=kernel8.img\n') });
    await writer.add('overlays/i2c1.dtbo', 0o644, { content: Buffer.from('dtbo') });
    await writer.finish({ ...about, ...more });
  });
}

async function check(out: string) {
  const manifest = await requireNetworkFolder(out);
  const { problems, warnings } = await checkNetworkFiles(out, manifest);
  return { problems: problems.map(({ code }) => code), warnings: warnings.map(({ code }) => code) };
}

describe('a folder for network boot', () => {
  it('is as it was made', async () => {
    const out = join(folder, 'out');
    await make(out);
    expect(await check(out)).toEqual({ problems: [], warnings: [] });
    expect((await readNetworkManifest(out))?.files.map(({ path }) => path)).toEqual([
      'config.txt',
      'kernel8.img',
      'overlays/i2c1.dtbo',
    ]);
    expect((await stat(join(out, 'overlays'))).mtimeMs).toBe(1_767_225_600_000);
  });

  it('lacks a file, or has another byte; what people may change is only noted', async () => {
    const out = join(folder, 'out');
    await make(out);
    await writeFile(join(out, 'kernel8.img'), 'kernal');
    await rm(join(out, 'overlays/i2c1.dtbo'));
    await writeFile(join(out, 'config.txt'), 'kernel=other\n');
    expect(await check(out)).toEqual({
      problems: ['network-file-changed', 'network-file-missing'],
      warnings: ['network-file-changed'],
    });
  });

  it('keeps a seed of its own from others, and its digests too', async () => {
    const out = join(folder, 'out');
    await make(out, { hasOwnSeed: true });
    for (const name of ['SHA256SUMS', 'network-boot.json']) {
      expect((await stat(join(out, name))).mode & 0o777).toBe(0o600);
    }
  });

  it('is known by its manifest alone', async () => {
    await writeFile(join(folder, 'network-boot.json'), '{"format": 2}');
    await expect(requireNetworkFolder(folder)).rejects.toMatchObject({ code: 'not-a-network-folder' });
  });
});

describe('the place of such a folder', () => {
  const codes = async (path: string, mayHaveDevices = false) =>
    (await checkOutputFolder(path, mayHaveDevices)).map(({ code }) => code);

  it('may be empty, not there, or one that was made before', async () => {
    const out = join(folder, 'out');
    expect(await codes(out)).toEqual([]);
    await mkdir(out);
    expect(await codes(out)).toEqual([]);
    await make(out);
    expect(await codes(out)).toEqual([]);
  });

  it.each(['notes.txt', 'overlays/mine.dtbo', 'photos/.keep'])('is refused with %s in it', async (name) => {
    const out = join(folder, 'out');
    await make(out);
    await mkdir(join(out, name, '..'), { recursive: true });
    await writeFile(join(out, name), 'mine');
    expect(await codes(out)).toEqual(['output-folder-not-ours']);
  });

  it('is refused where it is a file, below nothing, or has folders of devices', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await codes(join(folder, 'file'))).toEqual(['output-not-a-folder']);
    expect(await codes(join(folder, 'nowhere/out'))).toEqual(['output-folder-missing']);
    const device = { name: 'gate-1', folders: ['1a2b3c4d'], instanceId: 'i', seedSha256: 'a'.repeat(64) };
    await make(join(folder, 'out'), { devices: [device] as never });
    expect(await codes(join(folder, 'out'))).toEqual(['output-folder-has-devices']);
    expect(await codes(join(folder, 'out'), true)).toEqual([]);
  });

  it('is as it was when the new one cannot be filled, with nothing beside it', async () => {
    const out = join(folder, 'out');
    await make(out);
    const failing = replaceFolder(out, 0o755, async (staging) => {
      await writeFile(join(staging, 'half'), '');
      throw new Error('interrupted');
    });
    await expect(failing).rejects.toThrow('interrupted');
    expect(await readdir(folder)).toEqual(['out']);
    expect(await readFile(join(out, 'kernel8.img'), 'utf8')).toBe('kernel');
  });
});
