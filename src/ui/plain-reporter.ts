import { formatSize } from '../model/bytes.js';
import { formatDuration } from '../model/duration.js';
import type { ReportEvent, Reporter } from '../pipeline/reporter.js';

/** A progress line at most this often and stage: a CI log should stay readable. */
const PROGRESS_INTERVAL_MS = 10_000;

/** One line an event, for logs and for screens that are no terminal. */
export class PlainReporter implements Reporter {
  private readonly started = performance.now();
  private readonly lastProgress = new Map<string, number>();
  private readonly phases = new Map<string, string>();

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
      case 'card-progress': {
        const now = performance.now();
        const isNew = event.phase !== this.phases.get(event.device);
        if (!isNew && now - (this.lastProgress.get(event.device) ?? 0) < PROGRESS_INTERVAL_MS) break;
        this.phases.set(event.device, event.phase);
        this.lastProgress.set(event.device, now);
        this.line(event.device, formatCardProgress(event));
        break;
      }
      case 'card-finished':
        this.line(event.device, `done in ${formatDuration(event.durationMs)}`);
        break;
      case 'card-failed':
        this.line(event.device, `failed: ${event.message}`);
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

/** "writing 42 % (180 MiB of 430 MiB), 31.2 MB/s, 8.0 s left". Cards are sold in decimal megabytes a second. */
export function formatCardProgress(event: Extract<ReportEvent, { type: 'card-progress' }>): string {
  const { phase, doneBytes, totalBytes, bytesPerSecond, etaSeconds } = event;
  const words = phase.replace('-', ' ');
  if (phase === 'preparing' || phase === 'sealing') return words;
  const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
  const isOpen = totalBytes === 0 && doneBytes > 0;
  return [
    `${words} ${isOpen ? formatSize(doneBytes) : `${percent} % (${formatSize(doneBytes)} of ${formatSize(totalBytes)})`}`,
    ...(bytesPerSecond === 0 ? [] : [`${(bytesPerSecond / 1e6).toFixed(1)} MB/s`]),
    ...(etaSeconds === undefined ? [] : [`${formatDuration(etaSeconds * 1000)} left`]),
  ].join(', ');
}
