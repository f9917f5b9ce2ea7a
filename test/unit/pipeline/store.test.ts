import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import { Store } from '../../../src/pipeline/store.js';

let cacheDir: string;
let abort: AbortController;
let store: Store;

function newStore(): Store {
  const facts = { ...readHostFacts(process.env), cacheDir };
  return new Store(cacheDir, new RealHost({ facts, signal: abort.signal, environment: process.env, offline: true }));
}

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-store-'));
  abort = new AbortController();
  store = newStore();
  await store.prepare();
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

const ignoreWait = (): void => undefined;

describe('the store', () => {
  it('makes an entry once and finds it afterwards', async () => {
    let runs = 0;
    const make = async (out: string): Promise<void> => {
      runs += 1;
      await writeFile(join(out, 'result'), 'bytes');
    };
    const first = await store.obtain('kernel', { a: 1, b: 2 }, make, ignoreWait);
    const second = await store.obtain('kernel', { b: 2, a: 1 }, make, ignoreWait);
    expect(runs).toBe(1);
    expect([first.cached, second.cached]).toEqual([false, true]);
    expect(await readFile(join(second.path, 'result'), 'utf8')).toBe('bytes');
  });

  it('makes another entry when the key document differs', async () => {
    const make = async (out: string): Promise<void> => {
      await writeFile(join(out, 'result'), '');
    };
    const one = await store.obtain('kernel', { a: 1 }, make, ignoreWait);
    const two = await store.obtain('kernel', { a: 2 }, make, ignoreWait);
    expect(one.path).not.toBe(two.path);
  });

  it('keeps nothing of a run that failed, and runs it again the next time', async () => {
    const fail = async (out: string): Promise<void> => {
      await writeFile(join(out, 'half'), 'half');
      throw new Error('no');
    };
    await expect(store.obtain('rootfs', { a: 1 }, fail, ignoreWait)).rejects.toThrow('no');
    expect(await readdir(join(store.root, 'tmp'))).toEqual([]);
    const again = await store.obtain('rootfs', { a: 1 }, () => Promise.resolve(), ignoreWait);
    expect(again.cached).toBe(false);
    expect(await readdir(again.path)).toEqual([]);
  });

  it('lets two builds that want the same entry take turns, and makes it once', async () => {
    let runs = 0;
    let waits = 0;
    const make = async (): Promise<void> => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 200));
    };
    const countWait = (): void => {
      waits += 1;
    };
    const other = newStore();
    const [a, b] = await Promise.all([
      store.obtain('kernel', { a: 1 }, make, countWait),
      other.obtain('kernel', { a: 1 }, make, countWait),
    ]);
    expect(runs).toBe(1);
    expect(waits).toBe(1);
    expect([a.cached, b.cached].sort()).toEqual([false, true]);
  });

  it('stops waiting for another build when it is interrupted', async () => {
    const held = store.withLock('x', ignoreWait, () => new Promise((resolve) => setTimeout(resolve, 1_500)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const waiting = store.withLock(
      'x',
      () => {
        abort.abort(new Error('stopped'));
      },
      () => Promise.resolve(),
    );
    await expect(waiting).rejects.toThrow('stopped');
    await held;
  });

  const tmp = (): Promise<string[]> => readdir(join(store.root, 'tmp')).then((names) => names.sort());
  const makeSomething = () => newStore().obtain('kernel', {}, () => Promise.resolve(), ignoreWait);

  it('removes the scratch of a build that was killed when it makes something, and not that of one that runs', async () => {
    await mkdir(join(store.root, 'tmp/killed/work'), { recursive: true });
    await writeFile(join(store.root, 'tmp/killed.lock'), '');
    await store.withScratch(async (own) => {
      await makeSomething();
      expect(await tmp()).toEqual([basename(own), `${basename(own)}.lock`]);
    });
    expect(await tmp()).toEqual([]);
  });

  it('removes nothing as long as it makes nothing', async () => {
    await mkdir(join(store.root, 'tmp/killed'));
    await writeFile(join(store.root, 'tmp/killed.lock'), '');
    const other = newStore();
    await other.prepare();
    await other.find('kernel', 'a');
    await other.withScratch(() => Promise.resolve());
    expect(await tmp()).toEqual(['killed', 'killed.lock']);
  });

  it('leaves scratch without a lock alone, as earlier versions made it, until it is a week old', async () => {
    const folder = join(store.root, 'tmp/4194999-00000000-0000-0000-0000-000000000000');
    await mkdir(folder);
    await newStore().removeAbandoned();
    expect(await tmp()).toHaveLength(1);
    const lastWeek = new Date(Date.now() - 8 * 24 * 60 * 60 * 1000);
    await utimes(folder, lastWeek, lastWeek);
    await newStore().removeAbandoned();
    expect(await tmp()).toEqual([]);
  });

  it('is readable for its owner only', async () => {
    const { stat } = await import('node:fs/promises');
    expect((await stat(store.root)).mode & 0o077).toBe(0);
  });

  it('finds the entry of a stage that was made last, whichever was used last', async () => {
    expect(await store.newestEntry('kernel')).toBeUndefined();
    const old = await store.obtain('kernel', { fragments: 'old' }, () => Promise.resolve(), ignoreWait);
    const young = await store.obtain('kernel', { fragments: 'young' }, () => Promise.resolve(), ignoreWait);
    await utimes(join(store.root, 'kernel', old.key, 'key.json'), 1, 1);
    await store.find('kernel', old.key);
    expect(await store.newestEntry('kernel')).toMatchObject({ key: young.key, path: young.path });
  });

  it('remembers the key document of the newest other entry', async () => {
    const make = (): Promise<void> => Promise.resolve();
    await store.obtain('kernel', { fragments: 'old' }, make, ignoreWait);
    const { key } = await store.obtain('kernel', { fragments: 'new' }, make, ignoreWait);
    expect(await store.newestKeyDocument('kernel', key)).toEqual({ fragments: 'old' });
  });
});
