import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/errors.js';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import { Store } from '../../../src/pipeline/store.js';

let cacheDir: string;
let host: RealHost;
let store: Store;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-full-'));
  const facts = { ...readHostFacts(process.env), cacheDir };
  host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
  store = new Store(cacheDir, host);
  await store.prepare();
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

async function obtain(make: () => Promise<unknown>): Promise<unknown> {
  const run = async (): Promise<void> => {
    await make();
  };
  return store.obtain('kernel', { a: 1 }, run, () => undefined);
}

/** /dev/full answers every write with ENOSPC, as a full disk does. */
describe('a full disk', () => {
  it.each([
    { title: 'under our own writes', make: () => writeFile('/dev/full', 'bytes') },
    { title: 'under a program', make: () => host.run({ file: 'cp', args: ['/proc/self/status', '/dev/full'] }) },
    {
      title: 'under what a program prints',
      make: () => host.run({ file: 'echo', args: ['bytes'] }, { stdoutFile: '/dev/full' }),
    },
    {
      title: 'foreseen by apt',
      make: () => {
        const details = ["E: You don't have enough free space in /var/cache/apt/archives/."];
        return Promise.reject(new CommandError('command-failed', 'mmdebstrap ended with exit code 25', { details }));
      },
    },
  ])('$title ends a stage with disk-full, the folder and what to do', async ({ make }) => {
    const error = await obtain(make).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'disk-full', exitCode: 1 });
    expect(String(error)).toContain(store.root);
    expect((error as Error).cause).not.toMatchObject({ code: 'disk-full' });
    expect((error as { hints: string[] }).hints.join()).toContain('XDG_CACHE_HOME');
    expect(await readdir(join(store.root, 'tmp'))).toEqual([]);
    expect(await store.newestKeyDocument('kernel', '')).toBeUndefined();
  });

  it('is not what another failure is taken for', async () => {
    await expect(obtain(() => host.run({ file: 'false', args: [] }))).rejects.toMatchObject({ code: 'command-failed' });
  });
});
