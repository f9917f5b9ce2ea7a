import type { ListrTaskWrapper } from 'listr2';
import { Listr } from 'listr2';
import { formatDuration } from '../model/duration.js';
import type { ReportEvent, Reporter, TaskGroup } from '../pipeline/reporter.js';
import { formatCardProgress, formatProgress } from './plain-reporter.js';

type Task = ListrTaskWrapper<unknown, never, never>;

/** What one line of the list waits for. */
type Line = {
  readonly group: TaskGroup;
  readonly open: Set<string>;
  cached: boolean;
  /** When its first stage began: all lines stand there from the start, and most of them wait. */
  startedAt?: number;
  /** Known once it is done, which may be before the list shows the line. */
  title?: string;
  task?: Task;
  readonly finished: Promise<void>;
  readonly finish: () => void;
  readonly fail: (error: Error) => void;
};

/** The live list of a terminal: one line a group of stages, with the time each took. */
export class TerminalReporter implements Reporter {
  private lines: readonly Line[] = [];
  private rendering: Promise<unknown> = Promise.resolve();
  private readonly later: string[] = [];

  constructor(private readonly write: (line: string) => void) {}

  emit(event: ReportEvent): void {
    switch (event.type) {
      case 'planned':
        this.start(event.groups);
        break;
      case 'stage-started': {
        const line = this.lineOf(event.stage);
        if (line !== undefined) line.startedAt ??= performance.now();
        break;
      }
      case 'stage-step':
        this.show(event.stage, event.text);
        break;
      case 'stage-progress':
        this.show(event.stage, formatProgress(event));
        break;
      case 'stage-finished':
        this.finish(event.stage, event.cached);
        break;
      case 'stage-failed':
        this.lineOf(event.stage)?.fail(new Error('failed'));
        break;
      case 'card-progress':
        this.show(event.device, formatCardProgress(event));
        break;
      case 'card-finished':
        this.finish(event.device, false);
        break;
      case 'card-failed':
        this.lineOf(event.device)?.fail(new Error(event.message));
        break;
      case 'notice':
        this.say(event.text);
        break;
      case 'warning':
        this.say(`warning: ${event.text}${event.hint === undefined ? '' : `\n  ${event.hint}`}`);
        break;
    }
  }

  /** Leaves the screen in order: lines that never ran are closed, and what was said meanwhile is printed below. */
  async close(): Promise<void> {
    for (const line of this.lines) line.finish();
    await this.rendering;
    this.lines = [];
    for (const text of this.later.splice(0)) this.write(text);
  }

  private start(groups: readonly TaskGroup[]): void {
    this.lines = groups.map((group) => {
      const { promise, resolve, reject } = deferred();
      return { group, open: new Set(group.stages), cached: true, finished: promise, finish: resolve, fail: reject };
    });
    const list = new Listr(
      this.lines.map((line) => ({
        title: line.group.title,
        task: (_: unknown, task: unknown) => {
          line.task = task as Task;
          showTitle(line);
          return line.finished;
        },
        rendererOptions: { outputBar: 1 as const },
      })),
      {
        concurrent: true,
        exitOnError: false,
        registerSignalListeners: false,
        rendererOptions: { collapseErrors: false, showErrorMessage: false },
      },
    );
    this.rendering = list.run().catch(() => undefined);
  }

  private finish(stage: string, cached: boolean): void {
    const line = this.lineOf(stage);
    if (line === undefined) return;
    line.open.delete(stage);
    line.cached &&= cached;
    if (line.open.size > 0) return;
    const durationMs = line.startedAt === undefined ? 0 : performance.now() - line.startedAt;
    line.title = `${line.group.title} (${line.cached ? 'unchanged' : formatDuration(durationMs)})`;
    showTitle(line);
    line.finish();
  }

  private show(stage: string, text: string): void {
    const task = this.lineOf(stage)?.task;
    if (task !== undefined) task.output = text;
  }

  /** Text between the lines of a live list would tear it; it waits until the list is closed. */
  private say(text: string): void {
    if (this.lines.length === 0) this.write(text);
    else this.later.push(text);
  }

  private lineOf(stage: string): Line | undefined {
    return this.lines.find((line) => line.group.stages.includes(stage));
  }
}

function showTitle({ task, title }: Line): void {
  if (task !== undefined && title !== undefined) task.title = title;
}

/** Promise.withResolvers is not in Node 20. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
