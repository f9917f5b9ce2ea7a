import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BlockDevice } from '../../../src/host/drives/block-device.js';
import { MiB } from '../../../src/model/bytes.js';
import { BlockState } from '../../../src/write/block-state.js';
import { openCheckpoint } from '../../../src/write/checkpoint.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { memoryImage } from '../../helpers/memory-image.js';

const { plan, bytes } = memoryImage(4 * MiB);
const DRIVE = { path: '/dev/sdx', majorMinor: '8:16', sizeBytes: 8 * MiB, serial: 'A1' } as BlockDevice;
const DAY_MS = 24 * 60 * 60 * 1000;

let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-checkpoint-'));
});

afterAll(async () => {
  await rm(cacheDir, { recursive: true });
});

it('a checkpoint brings back the blocks of the same card and image, and no others', async () => {
  const host = createFakeHost({ facts: { cacheDir } });
  const states = new Uint8Array(plan.blocks.length);
  states.set([BlockState.written, BlockState.verified, BlockState.suspect]);
  await openCheckpoint(DRIVE, plan, bytes.subarray(0, 512), host).save(states);
  expect(await openCheckpoint(DRIVE, plan, bytes.subarray(0, 512), host).load()).toEqual([0, 1]);
  expect(await openCheckpoint({ ...DRIVE, serial: 'B2' }, plan, bytes.subarray(0, 512), host).load()).toEqual([]);
  expect(await openCheckpoint(DRIVE, plan, Buffer.alloc(512), host).load()).toEqual([]);
});

it('checkpoints of cards that were never finished go after 30 days', async () => {
  const host = createFakeHost({ facts: { cacheDir } });
  const [old, recent] = ['old.json', 'recent.json'].map((name) => join(cacheDir, 'flash', name)) as [string, string];
  for (const [path, days] of [
    [old, 31],
    [recent, 29],
  ] as const) {
    await writeFile(path, '{}');
    const time = new Date(Date.now() - days * DAY_MS);
    await utimes(path, time, time);
  }
  await openCheckpoint(DRIVE, plan, bytes.subarray(0, 512), host).save(new Uint8Array(plan.blocks.length));
  const names = await readdir(join(cacheDir, 'flash'));
  expect(names).toContain('recent.json');
  expect(names).not.toContain('old.json');
});
