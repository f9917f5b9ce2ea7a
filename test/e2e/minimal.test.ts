import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-minimal-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function build(image: string, workload: string, board = 'virt-arm64') {
  const args = ['--board', board, '--system', 'minimal', '--workload', workload, '--output', join(folder, image)];
  return resultOf(await cli(['build', ...args, '--yes', '--json']));
}

/** Exit code of the check, and the whole console. */
async function check(
  image: string,
  ...more: readonly string[]
): Promise<{ readonly exitCode: number | undefined; readonly console: string }> {
  const log = join(folder, `${image}.log`);
  const { exitCode } = await cli(['boot', join(folder, image), '--check', '--log', log, '--json', ...more]);
  return { exitCode, console: await readFile(log, 'utf8') };
}

describe('a minimal system', () => {
  it('of a static C program answers, and is the same bytes twice', async () => {
    const first = await build('first.img', 'static-c');
    const second = await build('second.img', 'static-c');
    expect(second['sha256']).toBe(first['sha256']);
    const { exitCode, console } = await check('first.img');
    expect(exitCode, console.slice(-4000)).toBe(0);
  });

  // The page /digest of the shipped example imports hashlib, which its trace did not see.
  it('names the missing file on its console in debug mode', async () => {
    const board = await write('debug.yaml', 'extends: virt-arm64\nid: debug\ncmdline: [panic=10, reswarm.debug]\n');
    const text = "extends: python\nid: later\ncheck: { http: ':8080/digest', status: 500 }\n";
    await build('later.img', await write('later.yaml', text), board);
    const { exitCode, console } = await check('later.img', '--timeout', '30');
    expect(exitCode).toBe(1);
    expect(console).toMatch(/reswarm: error file-left-out \S+ asked for \/usr\/lib\/python3\.13\/hashlib\.py/);
  });
});
