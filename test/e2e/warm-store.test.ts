import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliResult } from '../helpers/cli.js';
import { cli, errorCode, resultOf, withTmpfs } from '../helpers/cli.js';
import { removeStore, withoutStages } from '../helpers/private-store.js';

let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-warm-'));
  image = join(folder, 'rpi4.img');
  const { exitCode, stdout, stderr } = await build();
  expect(exitCode, stdout.slice(-2000) + stderr).toBe(0);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Options = Parameters<typeof cli>[1] & { readonly output?: string; readonly flags?: readonly string[] };

async function build({ output = image, flags = [], ...options }: Options = {}): Promise<CliResult> {
  return cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', output, ...flags], options);
}

/** Every request goes to a port where nothing answers. */
const NO_NETWORK = { http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9', no_proxy: '' };

describe('a store that has everything', () => {
  it('says that nothing changed while the archive does not answer', async () => {
    const result = await build({ env: NO_NETWORK });
    expect(result.exitCode, result.stderr).toBe(0);
    expect(resultOf(result)).toMatchObject({ unchanged: true });
  });

  it.each([
    { title: 'while the archive does not answer', env: NO_NETWORK, flags: [] },
    { title: 'with --offline', env: {}, flags: ['--offline'] },
  ])('gives another image $title', async ({ env, flags }) => {
    const output = join(folder, 'other.img');
    const result = await build({ env, output, flags: [...flags, '--hostname', 'meter-7'] });
    expect(result.exitCode, result.stdout.slice(-2000) + result.stderr).toBe(0);
    expect(resultOf(result)).toMatchObject({ unchanged: false, image: output });
    await rm(output);
  });

  it('stays of use when a refresh gets no answer', async () => {
    const store = await withoutStages([]);
    try {
      const output = join(store.images, 'rpi4.img');
      const refresh = ['--refresh', '--mirror', 'http://127.0.0.1:9/debian'];
      const failed = await build({ env: store.env, output, flags: refresh });
      expect(errorCode(failed), failed.stderr).toBe('archive-unreachable');
      expect(await readdir(store.images)).toEqual([]);
      const next = await build({ env: { ...store.env, ...NO_NETWORK }, output });
      expect(next.exitCode, next.stdout.slice(-2000) + next.stderr).toBe(0);
    } finally {
      await removeStore(store);
    }
  });
});

describe('a disk that cannot hold the image', () => {
  it('is full before the first byte of it is written', async () => {
    const card = join(folder, 'card');
    await mkdir(card);
    const list = join(folder, 'left');
    const wrapper = withTmpfs(card, 'size=64m', `ls -A "$0" > ${list}`);
    const result = await build({ output: join(card, 'rpi4.img'), wrapper });
    expect(errorCode(result), result.stdout.slice(-2000) + result.stderr).toBe('disk-full');
    expect(result.exitCode).toBe(1);
    expect(JSON.stringify(resultOf(result))).toContain(card);
    expect((await stat(list)).size).toBe(0);
    expect(await readdir(card)).toEqual([]);
  });
});
