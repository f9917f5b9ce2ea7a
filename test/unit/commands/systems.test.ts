import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import BoardsShow from '../../../src/commands/boards/show.js';
import BoardsValidate from '../../../src/commands/boards/validate.js';
import SystemsList from '../../../src/commands/systems/list.js';
import SystemsNew from '../../../src/commands/systems/new.js';
import SystemsShow from '../../../src/commands/systems/show.js';
import SystemsValidate from '../../../src/commands/systems/validate.js';
import { captureOutput } from '../../helpers/captured-output.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const output = captureOutput();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-systems-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function recorder(): Promise<string> {
  const file = join(folder, 'recorder.yaml');
  const data = '{ name: data, role: data, size: 512M, mount: /data }';
  await writeFile(file, `extends: debian\nid: recorder\ndescription: Records.\npartitions: [${data}]\n`);
  return file;
}

describe('systems list', () => {
  it('says what each system is for, as JSON with --json', async () => {
    await SystemsList.run([], { root });
    expect(output.stdout).toMatch(/^debian {3}Small Debian .*\n {9}Partitions: boot, root\n/m);
    expect(await SystemsList.run([], { root })).toMatchObject({
      systems: [
        { id: 'ab', partitions: ['selector', 'boot-a', 'boot-b', 'root-a', 'root-b', 'data'] },
        { id: 'debian', partitions: ['boot', 'root'] },
        { id: 'layered', partitions: ['boot', 'changes'] },
        { id: 'minimal', partitions: ['boot'] },
        { id: 'tiny', partitions: ['boot'] },
      ],
    });
  });
});

describe('systems show', () => {
  it('shows every partition and what goes into the root', async () => {
    await SystemsShow.run([await recorder()], { root });
    for (const text of ['layers        base, docker-config', 'engine        debian', 'grows on first boot']) {
      expect(output.stdout).toContain(text);
    }
    expect(output.stdout).toContain('data: data, ext4 "data", at /data, 512 MiB, 0 B headroom');
  });

  it('prints a system file that is valid by itself with --yaml', async () => {
    await SystemsShow.run([await recorder(), '--yaml'], { root });
    expect(load(output.stdout)).not.toHaveProperty('extends');
    const file = join(folder, 'copy.yaml');
    await writeFile(file, output.stdout);
    expect(await SystemsValidate.run([file], { root })).toEqual({ valid: ['recorder'] });
  });

  it('ends with 2 and the known systems for one that is not', async () => {
    await SystemsShow.run(['debain'], { root });
    expect(process.exitCode).toBe(2);
    expect(output.stderr).toContain('[unknown-system]');
    expect(output.stderr).toContain('Did you mean "debian"?');
  });
});

describe('systems new', () => {
  it('writes a file and says what to do with it', async () => {
    const file = join(folder, 'kiosk.yaml');
    await SystemsNew.run(['kiosk', '--output', file], { root });
    expect(output.stdout).toContain('reswarm-os systems validate');
    expect((await readFile(file, 'utf8')).split('\n')[0]).toMatch(/systems\/system\.schema\.json$/);
    expect(await SystemsValidate.run([file], { root })).toEqual({ valid: ['kiosk'] });
  });
});

describe('systems validate', () => {
  it('names every problem with its place, in JSON too', async () => {
    const file = join(folder, 'mine.yaml');
    await writeFile(file, 'extends: debian\nid: mine\nengin: x\nlayers: []\n');
    await SystemsValidate.run([file, '--json'], { root });
    expect(process.exitCode).toBe(2);
    expect(JSON.parse(output.stdout)).toMatchObject({
      error: {
        code: 'unknown-key',
        problems: [
          { file, line: 3, column: 1 },
          { file, line: 4 },
        ],
      },
    });
  });
});

describe('a board with --system', () => {
  it('is shown with the partitions of that system', async () => {
    await BoardsShow.run(['rpi4', '--system', await recorder()], { root });
    expect(output.stdout).toContain('image with the system recorder');
    expect(output.stdout).toContain('at /data');
    const shown = await BoardsShow.run(['rpi4', '--system', await recorder(), '--json'], { root });
    expect(shown).toMatchObject({
      id: 'rpi4',
      image: { system: { id: 'recorder' }, volumes: { data: { fs: 'ext4' } } },
    });
    expect(shown).not.toHaveProperty('hostname');
  });

  it('is held against that system', async () => {
    const board = join(folder, 'board.yaml');
    await writeFile(board, 'extends: rpi4\nid: mine\npartitions: [{ name: maps, size: 64M, mount: /data }]\n');
    expect(await BoardsValidate.run([board], { root })).toEqual({ valid: ['mine'] });
    await BoardsValidate.run([board, '--system', await recorder()], { root });
    expect(process.exitCode).toBe(2);
    expect(output.stderr).toContain('/data');
  });
});
