import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BuiltImage } from '../../src/build/build-image.js';
import type { CliResult } from '../helpers/cli.js';
import { cli, resultOf } from '../helpers/cli.js';
import type { PrivateStore } from '../helpers/private-store.js';
import { removeStore, withoutStages } from '../helpers/private-store.js';

let store: PrivateStore;

beforeAll(async () => {
  store = await withoutStages(['root-partition']);
});

afterAll(async () => {
  await removeStore(store);
});

async function build(name: string): Promise<CliResult> {
  const image = join(store.images, name);
  return cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', image], { env: store.env });
}

it('two builds at once make a stage once and the same image twice', async () => {
  const results = await Promise.all([build('one.img'), build('two.img')]);
  for (const { exitCode, stdout, stderr } of results) expect(exitCode, stdout.slice(-2000) + stderr).toBe(0);
  const images = results.map((result) => resultOf(result) as unknown as BuiltImage);
  const rootPartitions = images.flatMap(({ stages }) => stages.filter(({ stage }) => stage === 'root-partition'));
  expect(rootPartitions.map(({ cached }) => cached).toSorted()).toEqual([false, true]);
  expect(images[0]?.sha256).toBe(images[1]?.sha256);
  const waited = results.flatMap(({ events }) => events.filter(({ text }) => String(text).startsWith('waiting for')));
  expect(waited).toHaveLength(1);
});
