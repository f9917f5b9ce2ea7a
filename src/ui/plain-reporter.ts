import { formatSize } from '../domain/bytes.js';
import { formatDuration } from '../domain/duration.js';
import type { ReportEvent, Reporter } from '../pipeline/reporter.js';

/** A progress line at most this often and stage: a CI log should stay readable. */
const PROGRESS_INTERVAL_MS = 10_000;

/** One line an event, for logs and for screens that are no terminal. */
export class PlainReporter implements Reporter {
  private readonly started = performance.now();
  private readonly lastProgress = new Map<string, number>();

  constructor(private readonly write: (line: string) => void) {}

  emit(event: ReportEvent): void {
    switch (event.type) {
      case 'planned':
        break;
      case 'stage-started':
        this.lastProgress.set(event.stage, performance.now());
        break;
      case 'stage-step':
        this.line(event.stage, event.text);
        break;
      case 'stage-progress': {
        const now = performance.now();
        if (now - (this.lastProgress.get(event.stage) ?? 0) < PROGRESS_INTERVAL_MS) break;
        this.lastProgress.set(event.stage, now);
        this.line(event.stage, formatProgress(event));
        break;
      }
      case 'stage-finished':
        this.line(event.stage, event.cached ? 'unchanged' : `done in ${formatDuration(event.durationMs)}`);
        break;
      case 'stage-failed':
        this.line(event.stage, `failed after ${formatDuration(event.durationMs)}`);
        break;
      case 'notice':
        this.write(event.text);
        break;
      case 'warning':
        this.write(`warning: ${event.text}${event.hint === undefined ? '' : ` (${event.hint})`}`);
        break;
    }
  }

  private line(stage: string, text: string): void {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1).padStart(6);
    this.write(`[${seconds} s] ${stage}: ${text}`);
  }
}

export function formatProgress(event: Extract<ReportEvent, { type: 'stage-progress' }>): string {
  const amount =
    event.unit === 'bytes'
      ? `${formatSize(event.done)} of ${formatSize(event.total)}`
      : `${event.done} of ${event.total}`;
  const percent = event.total === 0 ? 100 : Math.floor((event.done / event.total) * 100);
  return `${percent} % (${amount})${event.text === undefined ? '' : ` ${event.text}`}`;
}
