import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InterruptedError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { KeyChange } from './explain.js';
import type { AnyStage, Node } from './graph.js';
import { groupsOf, inOrder, inputOf, Pending } from './graph.js';
import { changesSince, keyDocument } from './key-document.js';
import type { Reporter, StageReporter } from './reporter.js';
import { stageReporter } from './reporter.js';
import type { StageContext } from './stage.js';
import type { Store } from './store.js';
import { keyOf } from './store.js';

/** How one stage went: for the report of times, for --json and for --explain. */
export type StageRecord = {
  readonly stage: string;
  readonly key: string;
  readonly cached: boolean;
  readonly durationMs: number;
  /** Why it ran: what is different from the run before; empty when it was cached or never ran before. */
  readonly changes: readonly KeyChange[];
};

export type RunnerOptions = { readonly jobs: number; readonly offline: boolean };

/**
 * Makes nodes: each once, what does not depend on each other at the same time. The first failure ends all others,
 * waits until they are gone, and is the one that is thrown. Knows no concrete stage.
 */
export class Runner {
  private readonly results = new Map<Node<unknown>, Promise<unknown>>();
  private readonly unsorted: StageRecord[] = [];
  private readonly abandon = new AbortController();
  private readonly host: Host;
  private first: { readonly error: unknown } | undefined;
  private order: readonly string[] = [];

  /** @param scratch folder that outlives every node: results of steps */
  constructor(
    host: Host,
    readonly store: Store,
    private readonly reporter: Reporter,
    private readonly options: RunnerOptions,
    private readonly scratch: string,
  ) {
    this.host = host.until(this.abandon.signal);
  }

  /** Says what will be done, before anything is. */
  announce(roots: readonly Node<unknown>[]): void {
    this.order = inOrder(roots).flatMap((node) => (node.kind === 'value' ? [] : [node.stage.name]));
    this.reporter.emit({ type: 'planned', groups: groupsOf(roots) });
  }

  /** What was done, in the order of the graph. */
  get records(): readonly StageRecord[] {
    const place = ({ stage }: StageRecord): number => this.order.indexOf(stage);
    return [...this.unsorted].sort((a, b) => place(a) - place(b));
  }

  /** The node's result, with everything that it needs. Throws what the first stage threw that failed. */
  async run<Output>(node: Node<Output>): Promise<Output> {
    try {
      return (await this.resultOf(node)) as Output;
    } catch (error) {
      return this.giveUp(error);
    }
  }

  /** Makes a step now. Throws as `run` does. */
  async make<Output>(node: Node<Pending<Output>>): Promise<Output> {
    const pending = await this.run(node);
    try {
      return await pending.get();
    } catch (error) {
      return this.giveUp(error);
    }
  }

  /** Work on results beside the stages; when it fails, so does everything. */
  async beside<T>(body: (host: Host) => Promise<T>): Promise<T> {
    try {
      return await body(this.host);
    } catch (error) {
      this.fail(error);
      return this.giveUp(error);
    }
  }

  /** A step whose result is in its place already. */
  foundDone(node: Node<Pending<unknown>>, key: string): void {
    if (node.kind === 'value') return;
    this.reporter.emit({ type: 'stage-finished', stage: node.stage.name, cached: true, durationMs: 0, key });
  }

  private resultOf(node: Node<unknown>): Promise<unknown> {
    const known = this.results.get(node);
    if (known !== undefined) return known;
    const result = this.resolve(node).catch((error: unknown) => {
      this.fail(error);
      throw error;
    });
    // Whoever needs it sees the failure; nobody may be waiting yet.
    result.catch(() => undefined);
    this.results.set(node, result);
    return result;
  }

  private async resolve(node: Node<unknown>): Promise<unknown> {
    const names = Object.entries(node.needs).filter(([, need]) => need !== undefined);
    const values = await Promise.all(names.map(([, need]) => this.resultOf(need as Node<unknown>)));
    const results = Object.fromEntries(names.map(([name], index) => [name, values[index]]));
    const input = await inputOf(node, results);
    switch (node.kind) {
      case 'value':
        return input;
      case 'stage':
        return this.obtain(node.stage, input);
      case 'step':
        return this.pending(node.stage, input, values);
    }
  }

  /** From the store when nothing that matters changed, made now otherwise. */
  private async obtain(stage: AnyStage, input: unknown): Promise<unknown> {
    this.check(stage, input);
    const document = keyDocument(stage, input);
    let changes: readonly KeyChange[] = [];
    const entry = await this.timed(stage.name, async (report) => {
      const obtained = await this.store.obtain(
        stage.name,
        document,
        async (out, work) => {
          changes = await changesSince(this.store, stage.name, document);
          await stage.run(input, out, this.context(report, work));
        },
        () => {
          report.step('waiting for another build that is making the same');
        },
      );
      return { result: obtained, key: obtained.key, cached: obtained.cached, changes: () => changes };
    });
    return stage.open({ key: entry.key, path: entry.path }, input);
  }

  private pending(stage: AnyStage, input: unknown, needs: readonly unknown[]): Pending<unknown> {
    this.check(stage, input);
    const key = keyOf(keyDocument(stage, input));
    return new Pending(key, async () => {
      try {
        // What it needs is made in its own time.
        await Promise.all(needs.flatMap(pendingIn).map((need) => need.get()));
        const out = join(this.scratch, stage.name);
        await mkdir(out);
        await this.timed(stage.name, async (report) => {
          await this.store.withScratch((work) => stage.run(input, out, this.context(report, work)));
          return { result: undefined, key, cached: false, changes: () => [] };
        });
        return await stage.open({ key, path: out }, input);
      } catch (error) {
        this.fail(error);
        throw error;
      }
    });
  }

  private check(stage: AnyStage, input: unknown): void {
    const problems = stage.check?.(input) ?? [];
    if (problems.length > 0) throw UserError.fromProblems(problems);
  }

  private async timed<T>(
    stage: string,
    body: (report: StageReporter) => Promise<{
      readonly result: T;
      readonly key: string;
      readonly cached: boolean;
      readonly changes: () => readonly KeyChange[];
    }>,
  ): Promise<T> {
    const started = performance.now();
    const passed = (): number => Math.round(performance.now() - started);
    this.reporter.emit({ type: 'stage-started', stage });
    try {
      const { result, key, cached, changes } = await body(stageReporter(this.reporter, stage));
      const durationMs = passed();
      this.unsorted.push({ stage, key, cached, durationMs, changes: changes() });
      this.reporter.emit({ type: 'stage-finished', stage, cached, durationMs, key });
      return result;
    } catch (error) {
      this.reporter.emit({ type: 'stage-failed', stage, durationMs: passed() });
      throw error;
    }
  }

  private context(report: StageReporter, work: string): StageContext {
    return { host: this.host, report, shared: this.store.shared, work, ...this.options };
  }

  private fail(error: unknown): void {
    if (this.first !== undefined) return;
    this.first = { error };
    this.abandon.abort(new InterruptedError('the failure of another stage'));
  }

  /** Nothing is still writing when this throws. */
  private async giveUp(error: unknown): Promise<never> {
    let running = 0;
    while (running < this.results.size) {
      running = this.results.size;
      await Promise.allSettled(this.results.values());
    }
    throw this.first?.error ?? error;
  }
}

function pendingIn(value: unknown): readonly Pending<unknown>[] {
  if (Array.isArray(value)) return value.flatMap(pendingIn);
  return value instanceof Pending ? [value] : [];
}

/** A runner for the time of `body`; what steps have made is gone when it ends, however it ends. */
export async function withRunner<T>(
  host: Host,
  store: Store,
  reporter: Reporter,
  options: RunnerOptions,
  body: (runner: Runner) => Promise<T>,
): Promise<T> {
  await store.prepare();
  return store.withScratch((scratch) => body(new Runner(host, store, reporter, options, scratch)));
}
