import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import { Engine } from '../../../src/pipeline/engine.js';
import type { ReportEvent } from '../../../src/pipeline/reporter.js';
import type { Stage } from '../../../src/pipeline/stage.js';
import { Store } from '../../../src/pipeline/store.js';

type Colour = { readonly colour: string };

const paint: Stage<Colour> = {
  name: 'paint',
  version: 1,
  key: ({ colour }) => ({ colour }),
  run: ({ colour }, out) => writeFile(join(out, 'colour'), colour),
};

let cacheDir: string;
let events: ReportEvent[];
let engine: Engine;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-engine-'));
  const facts = { ...readHostFacts(process.env), cacheDir };
  const signal = new AbortController().signal;
  const host = new RealHost({ facts, signal, environment: process.env, offline: true });
  const store = new Store(cacheDir, host);
  await store.prepare();
  events = [];
  engine = new Engine(host, store, { emit: (event) => events.push(event) }, { jobs: 1, offline: true });
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

describe('the engine', () => {
  it('runs nothing of a stage whose check finds a problem', async () => {
    const checked: Stage<Colour> = { ...paint, check: () => [{ code: 'ugly', message: 'no' }] };
    await expect(engine.obtain(checked, { colour: 'red' })).rejects.toMatchObject({ code: 'ugly', exitCode: 2 });
    expect(events).toEqual([]);
  });

  it('tells how a stage went, and that the second time nothing had to be done', async () => {
    await engine.obtain(paint, { colour: 'red' });
    await engine.obtain(paint, { colour: 'red' });
    expect(engine.records.map(({ cached }) => cached)).toEqual([false, true]);
    expect(events.map(({ type }) => type)).toEqual([
      'stage-started',
      'stage-finished',
      'stage-started',
      'stage-finished',
    ]);
  });

  it('explains a second run by what changed in its key', async () => {
    await engine.obtain(paint, { colour: 'red' });
    await engine.obtain(paint, { colour: 'blue' });
    expect(engine.records[1]?.changes).toEqual([{ path: 'input.colour', before: 'red', after: 'blue' }]);
  });

  it('runs a stage again when its version is raised', async () => {
    await engine.obtain(paint, { colour: 'red' });
    await engine.obtain({ ...paint, version: 2 }, { colour: 'red' });
    expect(engine.records[1]).toMatchObject({ cached: false, changes: [{ path: 'version', before: 1, after: 2 }] });
  });

  it('fetches inputs only for a stage that really runs', async () => {
    let fetched = 0;
    const fetch = (): Promise<void> => {
      fetched += 1;
      return Promise.resolve();
    };
    await engine.obtain(paint, { colour: 'red' }, fetch);
    await engine.obtain(paint, { colour: 'red' }, fetch);
    expect(fetched).toBe(1);
  });

  it('leaves nothing of a result that is kept out of the store', async () => {
    const seen = await engine.withResult(paint, { colour: 'secret' }, (out) => readdir(out));
    expect(seen).toEqual(['colour']);
    expect(await readdir(join(engine.store.root, 'tmp'))).toEqual([]);
    expect(await readdir(engine.store.root)).not.toContain('paint');
  });

  it('foresees what it would do without doing it', async () => {
    const first = await engine.peek(paint, { colour: 'red' });
    expect(first.entry).toBeUndefined();
    const { key } = await engine.obtain(paint, { colour: 'red' });
    expect(first.key).toBe(key);
    expect((await engine.peek(paint, { colour: 'red' })).entry?.key).toBe(key);
    expect((await engine.peek(paint, { colour: 'blue' })).changes).toHaveLength(1);
  });
});
