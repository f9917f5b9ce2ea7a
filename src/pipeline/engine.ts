import type { Json } from '../domain/json.js';
import type { Host } from '../host/host.js';
import type { KeyChange } from './explain.js';
import { diffKeys } from './explain.js';
import type { Reporter } from './reporter.js';
import { stageReporter } from './reporter.js';
import type { Stage } from './stage.js';
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

type EngineOptions = {
  readonly jobs: number;
  readonly offline: boolean;
  readonly titles: Readonly<Record<string, string>>;
};

/** Runs stages through the store and keeps the records. Knows no concrete stage. */
export class Engine {
  readonly records: StageRecord[] = [];

  constructor(
    readonly host: Host,
    readonly store: Store,
    private readonly reporter: Reporter,
    private readonly options: EngineOptions,
  ) {}

  /** The stage's result: from the store when nothing that matters changed, made now otherwise. */
  async obtain<Input>(stage: Stage<Input>, input: Input): Promise<StoreEntry> {
    const document = keyDocument(stage, input);
    const title = this.options.titles[stage.name] ?? stage.name;
    const started = performance.now();
    this.reporter.emit({ type: 'stage-started', stage: stage.name, title });
    const report = stageReporter(this.reporter, stage.name);
    try {
      const previous = await this.store.newestKeyDocument(stage.name, keyOf(document));
      const entry = await this.store.obtain(
        stage.name,
        document,
        (out, work) =>
          stage.run(input, out, {
            host: this.host,
            report,
            shared: this.store.shared,
            work,
            jobs: this.options.jobs,
            offline: this.options.offline,
          }),
        () => {
          report.step('waiting for another build that is making the same');
        },
      );
      const durationMs = Math.round(performance.now() - started);
      const changes = entry.cached || previous === undefined ? [] : diffKeys(previous, document);
      this.records.push({ stage: stage.name, key: entry.key, cached: entry.cached, durationMs, changes });
      this.reporter.emit({
        type: 'stage-finished',
        stage: stage.name,
        cached: entry.cached,
        durationMs,
        key: entry.key,
      });
      return entry;
    } catch (error) {
      this.reporter.emit({
        type: 'stage-failed',
        stage: stage.name,
        durationMs: Math.round(performance.now() - started),
      });
      throw error;
    }
  }

  /** Whether the stage would be taken from the store, without running it. */
  async peek<Input>(
    stage: Stage<Input>,
    input: Input,
  ): Promise<{ key: string; cached: boolean; changes: readonly KeyChange[] }> {
    const document = keyDocument(stage, input);
    const key = keyOf(document);
    const cached = (await this.store.find(stage.name, key)) !== undefined;
    const previous = cached ? undefined : await this.store.newestKeyDocument(stage.name, key);
    return { key, cached, changes: previous === undefined ? [] : diffKeys(previous, document) };
  }
}

export function keyDocument<Input>(stage: Stage<Input>, input: Input): Json {
  return { stage: stage.name, version: stage.version, input: stage.key(input) };
}
