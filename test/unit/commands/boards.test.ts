import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import BoardsList from '../../../src/commands/boards/list.js';
import BoardsShow from '../../../src/commands/boards/show.js';
import BoardsValidate from '../../../src/commands/boards/validate.js';
import { captureOutput } from '../../helpers/captured-output.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const output = captureOutput();

describe('boards list', () => {
  it('says of every board what is proven and that hardware was not tried', async () => {
    await BoardsList.run([], { root });
    for (const text of ['rpi3', 'rpi4', 'Raspberry Pi 400', 'In QEMU:', 'On hardware: Not tried.']) {
      expect(output.stdout).toContain(text);
    }
  });

  it('gives one JSON document with --json', async () => {
    await BoardsList.run(['--json'], { root });
    expect(JSON.parse(output.stdout)).toMatchObject({
      boards: expect.arrayContaining([
        expect.objectContaining({ id: 'rpi3' }),
        expect.objectContaining({ id: 'rpi4' }),
      ]) as unknown,
    });
  });
});

it('a flag that does not exist is answered with the nearest one, as JSON with --json', async () => {
  await BoardsShow.run(['rpi4', '--yalm'], { root });
  expect(process.exitCode).toBe(2);
  expect(output.stderr).toMatch(/--yalm is no flag of .+ \[unknown-flag\]/);
  expect(output.stderr).toContain('Did you mean "--yaml"?');
  await BoardsShow.run(['rpi4', '--yalm', '--json'], { root });
  expect(JSON.parse(output.stdout)).toMatchObject({ error: { code: 'unknown-flag' } });
});

describe('boards show', () => {
  it('shows config.txt as it will be written', async () => {
    await BoardsShow.run(['rpi4'], { root });
    expect(output.stdout).toContain('  kernel=kernel8.img\n');
  });

  it('prints a board file that is valid by itself with --yaml', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reswarm-show-'));
    try {
      await BoardsShow.run(['rpi4', '--yaml'], { root });
      expect(load(output.stdout)).not.toHaveProperty('extends');
      const file = join(folder, 'copy.yaml');
      await writeFile(file, output.stdout);
      expect(await BoardsValidate.run([file], { root })).toEqual({ valid: ['rpi4'] });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('ends with 2 and the known boards for one that is not', async () => {
    await BoardsShow.run(['rpi9'], { root });
    expect(process.exitCode).toBe(2);
    expect(output.stderr).toContain('[unknown-board]');
    expect(output.stderr).toContain('rpi3, rpi4');
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
      expect(JSON.parse(output.stdout)).toMatchObject({
        error: { code: 'unknown-key', problems: [{ file, line: 3, column: 1 }] },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
