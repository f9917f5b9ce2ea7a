import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../model/json.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { KeyChange } from './explain.js';
import { diffKeys } from './explain.js';
import type { Reporter, StageReporter } from './reporter.js';
import { stageReporter } from './reporter.js';
import type { Stage, StageContext } from './stage.js';
import type { Store, StoreEntry } from './store.js';
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

type EngineOptions = { readonly jobs: number; readonly offline: boolean };

/** Runs stages through the store and keeps the records. Knows no concrete stage. */
export class Engine {
  readonly records: StageRecord[] = [];

  constructor(
    readonly host: Host,
    readonly store: Store,
    private readonly reporter: Reporter,
    private readonly options: EngineOptions,
  ) {}

  /**
   * The stage's result: from the store when nothing that matters changed, made now otherwise. Throws UserError with
   * what the stage's check finds.
   *
   * @param fetchInputs brings files that the input names to this machine; called only when the stage really runs
   */
  async obtain<Input>(
    stage: Stage<Input>,
    input: Input,
    fetchInputs?: (context: StageContext) => Promise<unknown>,
  ): Promise<StoreEntry> {
    const problems = stage.check?.(input) ?? [];
    if (problems.length > 0) throw UserError.fromProblems(problems);
    const document = keyDocument(stage, input);
    const started = performance.now();
    this.reporter.emit({ type: 'stage-started', stage: stage.name });
    const report = stageReporter(this.reporter, stage.name);
    let changes: readonly KeyChange[] = [];
    try {
      const entry = await this.store.obtain(
        stage.name,
        document,
        async (out, work) => {
          changes = await this.changesSince(stage.name, document);
          const context = this.context(report, work);
          await fetchInputs?.(context);
          await stage.run(input, out, context);
        },
        () => {
          report.step('waiting for another build that is making the same');
        },
      );
      const durationMs = Math.round(performance.now() - started);
      this.finish({ stage: stage.name, key: entry.key, cached: entry.cached, durationMs, changes });
      return entry;
    } catch (error) {
      this.fail(stage.name, started);
      throw error;
    }
  }

  /** Runs the stage outside the store; its result is gone when `use` ends. For results that carry a device's secrets. */
  async withResult<Input, T>(stage: Stage<Input>, input: Input, use: (out: string) => Promise<T>): Promise<T> {
    return this.store.withScratch(async (scratch) => {
      const out = join(scratch, 'out');
      await mkdir(out);
      await this.task(stage.name, keyOf(keyDocument(stage, input)), (report, work) =>
        stage.run(input, out, this.context(report, work)),
      );
      return use(out);
    });
  }

  /** A step that is no stage, told and timed like one. `work` is an empty folder that goes when it ends. */
  async task<T>(name: string, key: string, body: (report: StageReporter, work: string) => Promise<T>): Promise<T> {
    const started = performance.now();
    this.reporter.emit({ type: 'stage-started', stage: name });
    try {
      const result = await this.store.withScratch((work) => body(stageReporter(this.reporter, name), work));
      const durationMs = Math.round(performance.now() - started);
      this.finish({ stage: name, key, cached: false, durationMs, changes: [] });
      return result;
    } catch (error) {
      this.fail(name, started);
      throw error;
    }
  }

  /** A step that need not be done: its result is there. */
  foundDone(name: string, key: string): void {
    this.reporter.emit({ type: 'stage-finished', stage: name, cached: true, durationMs: 0, key });
  }

  /** What `obtain` would find, without running anything: the entry, or what is different from the newest one. */
  async peek<Input>(
    stage: Stage<Input>,
    input: Input,
  ): Promise<{ readonly key: string; readonly entry?: StoreEntry; readonly changes: readonly KeyChange[] }> {
    const document = keyDocument(stage, input);
    const key = keyOf(document);
    const entry = await this.store.find(stage.name, key);
    if (entry !== undefined) return { key, entry, changes: [] };
    return { key, changes: await this.changesSince(stage.name, document) };
  }

  /** What is different from the newest entry of the stage; nothing when it never ran. */
  private async changesSince(stage: string, document: Json): Promise<readonly KeyChange[]> {
    const previous = await this.store.newestKeyDocument(stage, keyOf(document));
    return previous === undefined ? [] : diffKeys(previous, document);
  }

  private context(report: StageReporter, work: string): StageContext {
    const { jobs, offline } = this.options;
    return { host: this.host, report, shared: this.store.shared, work, jobs, offline };
  }

  private finish(record: StageRecord): void {
    this.records.push(record);
    const { stage, cached, durationMs, key } = record;
    this.reporter.emit({ type: 'stage-finished', stage, cached, durationMs, key });
  }

  private fail(stage: string, started: number): void {
    const durationMs = Math.round(performance.now() - started);
    this.reporter.emit({ type: 'stage-failed', stage, durationMs });
  }
}

function keyDocument<Input>(stage: Stage<Input>, input: Input): Json {
  return { stage: stage.name, version: stage.version, input: stage.key(input) };
}
