import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import BoardsList from '../../../src/commands/boards/list.js';
import BoardsShow from '../../../src/commands/boards/show.js';
import BoardsValidate from '../../../src/commands/boards/validate.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let stdout: string;
let stderr: string;

beforeEach(() => {
  stdout = '';
  stderr = '';
  // oclif prints through the console, which vitest does not pass on to process.stdout.
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
    stdout += `${format(...words)}\n`;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += chunk.toString();
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe('boards list', () => {
  it('says of every board what is proven and that hardware was not tried', async () => {
    await BoardsList.run([], { root });
    for (const text of ['rpi3', 'rpi4', 'Raspberry Pi 400', 'In QEMU:', 'On hardware: Not tried.']) {
      expect(stdout).toContain(text);
    }
  });

  it('gives one JSON document with --json', async () => {
    await BoardsList.run(['--json'], { root });
    expect(JSON.parse(stdout)).toMatchObject({ boards: [{ id: 'rpi3' }, { id: 'rpi4' }] });
  });
});

describe('boards show', () => {
  it('shows config.txt as it will be written', async () => {
    await BoardsShow.run(['rpi4'], { root });
    expect(stdout).toContain('  kernel=kernel8.img\n');
  });

  it('prints a board file that is valid by itself with --yaml', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reswarm-show-'));
    try {
      await BoardsShow.run(['rpi4', '--yaml'], { root });
      expect(load(stdout)).not.toHaveProperty('extends');
      const file = join(folder, 'copy.yaml');
      await writeFile(file, stdout);
      expect(await BoardsValidate.run([file], { root })).toEqual({ valid: ['rpi4'] });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('ends with 2 and the known boards for one that is not', async () => {
    await BoardsShow.run(['rpi9'], { root });
    expect(process.exitCode).toBe(2);
    expect(stderr).toContain('[unknown-board]');
    expect(stderr).toContain('rpi3, rpi4');
  });
});

describe('boards validate', () => {
  it('names every problem with its place, in JSON too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reswarm-validate-'));
    try {
      const file = join(folder, 'mine.yaml');
      await writeFile(file, 'extends: rpi4\nid: mine\nnmae: x\npartitions: { boot: { size: 1M } }\n');
      await BoardsValidate.run([file, '--json'], { root });
      expect(process.exitCode).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'unknown-key', problems: [{ file, line: 3, column: 1 }] },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
