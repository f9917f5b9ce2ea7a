import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import type { Node } from '../../../src/pipeline/graph.js';
import { inOrder, stageNode, stepNode, valueNode } from '../../../src/pipeline/graph.js';
import { planGraph } from '../../../src/pipeline/plan.js';
import type { ReportEvent } from '../../../src/pipeline/reporter.js';
import type { Runner } from '../../../src/pipeline/runner.js';
import { withRunner } from '../../../src/pipeline/runner.js';
import type { Stage } from '../../../src/pipeline/stage.js';
import { Store } from '../../../src/pipeline/store.js';

type Paint = { readonly colour: string; readonly under?: string };
type Painted = { readonly key: string; readonly colour: string };

/** Writes a colour into a file. */
const paint: Stage<Paint, Painted> = {
  name: 'paint',
  version: 1,
  group: 'Paint',
  key: ({ colour, under }) => ({ colour, under: under ?? null }),
  run: ({ colour }, out) => writeFile(join(out, 'colour'), colour),
  open: async ({ key, path }) => ({ key, colour: await readFile(join(path, 'colour'), 'utf8') }),
};
const named = (name: string, over: Partial<Stage<Paint, Painted>> = {}): Stage<Paint, Painted> => {
  return { ...paint, name, ...over };
};
const painted = (colour: string, stage = paint): Node<Painted> => stageNode(stage, {}, () => ({ colour }));

let cacheDir: string;
let store: Store;
let host: RealHost;
let events: ReportEvent[];

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-runner-'));
  const facts = { ...readHostFacts(process.env), cacheDir };
  host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
  store = new Store(cacheDir, host);
  events = [];
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

function running<T>(body: (runner: Runner) => Promise<T>): Promise<T> {
  const reporter = { emit: (event: ReportEvent) => events.push(event) };
  return withRunner(host, store, reporter, { jobs: 1, offline: true }, body);
}

describe('the runner', () => {
  it('gives what a stage made, opened by the stage, and finds it in the store the second time', async () => {
    const first = await running(async (runner) => ({
      made: await runner.run(painted('red')),
      records: runner.records,
    }));
    const second = await running(async (runner) => ({
      made: await runner.run(painted('red')),
      records: runner.records,
    }));
    expect(first.made.colour).toBe('red');
    expect(second.made).toEqual(first.made);
    expect([first.records[0]?.cached, second.records[0]?.cached]).toEqual([false, true]);
    expect(events.map(({ type }) => type)).toEqual([
      'stage-started',
      'stage-finished',
      'stage-started',
      'stage-finished',
    ]);
  });

  it('makes a node once, however many need it', async () => {
    let runs = 0;
    const base = painted(
      'white',
      named('base', {
        run: async (input, out, context) => {
          runs += 1;
          await paint.run(input, out, context);
        },
      }),
    );
    const over = (name: string) =>
      stageNode(named(name), { base }, (made) => ({ colour: name, under: made.base.colour }));
    const both = valueNode({ one: over('red'), two: over('blue') }, ({ one, two }) => one.colour + two.colour);
    expect(await running((runner) => runner.run(both))).toBe('redblue');
    expect(runs).toBe(1);
  });

  it('passes what is missing on as undefined', async () => {
    const wanted = (name: string): Node<Painted> | undefined => (name === 'absent' ? undefined : painted(name));
    const node = valueNode({ absent: wanted('absent') }, (made) => made.absent?.colour ?? 'nothing');
    expect(await running((runner) => runner.run(node))).toBe('nothing');
  });

  it('runs side by side what does not need each other', async () => {
    let atOnce = 0;
    let most = 0;
    const slow = (name: string) =>
      painted(
        name,
        named(name, {
          run: async (input, out, context) => {
            atOnce += 1;
            most = Math.max(most, atOnce);
            await sleep(30);
            atOnce -= 1;
            await paint.run(input, out, context);
          },
        }),
      );
    await running((runner) => runner.run(valueNode({ a: slow('a'), b: slow('b'), c: slow('c') }, () => undefined)));
    expect(most).toBe(3);
  });

  it('runs nothing of a stage whose check finds a problem', async () => {
    const ugly = painted('red', named('ugly', { check: () => [{ code: 'ugly', message: 'no' }] }));
    await expect(running((runner) => runner.run(ugly))).rejects.toMatchObject({ code: 'ugly', exitCode: 2 });
    expect(events).toEqual([]);
  });

  it('throws the first failure once everything else has ended, which it stops', async () => {
    let ended = false;
    const patient = painted(
      'slow',
      named('slow', {
        run: async (_input, _out, context) => {
          await sleep(5_000, undefined, { signal: context.host.signal }).catch(() => undefined);
          ended = true;
          context.host.signal.throwIfAborted();
        },
      }),
    );
    const failing = painted(
      'bad',
      named('bad', { run: () => sleep(20).then(() => Promise.reject(new Error('first'))) }),
    );
    const started = performance.now();
    await expect(running((runner) => runner.run(valueNode({ patient, failing }, () => 1)))).rejects.toThrow('first');
    expect(ended).toBe(true);
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  it('ends everything when work beside the stages fails', async () => {
    const result = running(async (runner) => {
      const stages = runner.run(
        painted(
          'slow',
          named('slow', { run: (_i, _o, { host: own }) => sleep(5_000, undefined, { signal: own.signal }) }),
        ),
      );
      await Promise.all([stages, runner.beside(() => Promise.reject(new Error('conflict')))]);
    });
    await expect(result).rejects.toThrow('conflict');
  });

  it('explains a second run by what changed in its key', async () => {
    await running((runner) => runner.run(painted('red')));
    const records = await running(async (runner) => {
      await runner.run(painted('blue'));
      return runner.records;
    });
    expect(records[0]?.changes).toEqual([{ path: 'input.colour', before: 'red', after: 'blue' }]);
  });

  it('runs a stage again when its version is raised', async () => {
    await running((runner) => runner.run(painted('red')));
    const records = await running(async (runner) => {
      await runner.run(painted('red', { ...paint, version: 2 }));
      return runner.records;
    });
    expect(records[0]).toMatchObject({ cached: false, changes: [{ path: 'version', before: 1, after: 2 }] });
  });
});

describe('a step', () => {
  it('has its key before it is made, is made when asked for, once, and leaves nothing behind', async () => {
    const step = stepNode(named('secret'), {}, () => ({ colour: 'secret' }));
    const seen = await running(async (runner) => {
      const pending = await runner.run(step);
      expect(events).toEqual([]);
      expect(pending.key).toMatch(/^[0-9a-f]{64}$/);
      return [await runner.make(step), await pending.get()];
    });
    expect(seen.map(({ colour }) => colour)).toEqual(['secret', 'secret']);
    expect(events.filter(({ type }) => type === 'stage-started')).toHaveLength(1);
    expect(await readdir(join(store.root, 'tmp'))).toEqual([]);
    expect(await readdir(store.root)).not.toContain('secret');
  });

  it('makes the steps that it needs before itself', async () => {
    const first = stepNode(named('first'), {}, () => ({ colour: 'first' }));
    const second = stepNode(named('second'), { first }, (made) => ({ colour: made.first.key }));
    await running((runner) => runner.make(second));
    expect(events.flatMap((event) => (event.type === 'stage-finished' ? [event.stage] : []))).toEqual([
      'first',
      'second',
    ]);
  });

  it('changes its key with the version of a step that it needs', async () => {
    const keyWith = (version: number): Promise<string> => {
      const first = stepNode(named('first', { version }), {}, () => ({ colour: 'x' }));
      const second = stepNode(named('second'), { first }, (made) => ({ colour: made.first.key }));
      return running(async (runner) => (await runner.run(second)).key);
    };
    expect(await keyWith(2)).not.toBe(await keyWith(1));
  });
});

describe('the plan', () => {
  const chain = () => {
    const base = painted('white', named('base'));
    const over = stageNode(named('over'), { base }, (made) => ({ colour: 'red', under: made.base.key }));
    const last = stepNode(named('last'), { over }, (made) => ({ colour: made.over.key }));
    return { base, over, last };
  };
  const options = { jobs: 1 };

  it('lists the stages of a run in the same order, and stops where a need is not in the store', async () => {
    const graph = chain();
    const plan = await planGraph([graph.last], store, options);
    expect(plan.stages.map(({ stage, state }) => [stage, state])).toEqual([
      ['base', 'make'],
      ['over', 'unknown'],
      ['last', 'each-time'],
    ]);
    expect(plan.resultOf(graph.base)).toBeUndefined();
    expect(inOrder([graph.last]).length).toBe(3);
  });

  it('foresees the keys that the run then has', async () => {
    const ran = await running(async (runner) => {
      const graph = chain();
      runner.announce([graph.last]);
      await runner.make(graph.last);
      return runner.records;
    });
    const plan = await planGraph([chain().last], store, options);
    expect(plan.stages.map(({ stage, key }) => [stage, key])).toEqual(ran.map(({ stage, key }) => [stage, key]));
    expect(plan.stages.map(({ state }) => state)).toEqual(['in-store', 'in-store', 'each-time']);
  });

  it('makes nothing', async () => {
    await planGraph([chain().last], store, options);
    expect(await readdir(cacheDir)).toEqual([]);
  });
});
