/** What happens during a use case; a terminal list, plain lines and NDJSON are three views of the same stream. */
export type ReportEvent =
  /** What will happen, in at most eight groups that a person can follow; a group is done when all its stages are. */
  | { readonly type: 'planned'; readonly groups: readonly TaskGroup[] }
  | { readonly type: 'stage-started'; readonly stage: string }
  | { readonly type: 'stage-step'; readonly stage: string; readonly text: string }
  | {
      readonly type: 'stage-progress';
      readonly stage: string;
      readonly done: number;
      readonly total: number;
      readonly unit: 'bytes' | 'steps';
      readonly text?: string;
    }
  | {
      readonly type: 'stage-finished';
      readonly stage: string;
      readonly cached: boolean;
      readonly durationMs: number;
      readonly key: string;
    }
  | { readonly type: 'stage-failed'; readonly stage: string; readonly durationMs: number }
  | {
      readonly type: 'card-progress';
      /** Path of the card. */
      readonly device: string;
      readonly phase: 'preparing' | 'writing' | 'reading-back' | 'comparing' | 'sealing';
      readonly doneBytes: number;
      /** 0 while it is not known. */
      readonly totalBytes: number;
      /** Of the last seconds; 0 while it is not known. */
      readonly bytesPerSecond: number;
      /** Of this phase. */
      readonly etaSeconds?: number;
    }
  | { readonly type: 'card-finished'; readonly device: string; readonly durationMs: number }
  | {
      readonly type: 'card-failed';
      readonly device: string;
      readonly durationMs: number;
      /** None: a bug ended the work. */
      readonly code?: string;
      readonly message: string;
    }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'warning'; readonly text: string; readonly hint?: string };

export type TaskGroup = { readonly title: string; readonly stages: readonly string[] };

export interface Reporter {
  emit(event: ReportEvent): void;
}

/** What a running stage says; the engine adds which stage it is. */
export interface StageReporter {
  /** What is being done now, in a few words: "configuring systemd". */
  step(text: string): void;
  progress(progress: {
    readonly done: number;
    readonly total: number;
    readonly unit: 'bytes' | 'steps';
    readonly text?: string;
  }): void;
  warn(text: string, hint?: string): void;
}

export function stageReporter(reporter: Reporter, stage: string): StageReporter {
  return {
    step: (text) => {
      reporter.emit({ type: 'stage-step', stage, text });
    },
    progress: (progress) => {
      reporter.emit({ type: 'stage-progress', stage, ...progress });
    },
    warn: (text, hint) => {
      reporter.emit({ type: 'warning', text, ...(hint === undefined ? {} : { hint }) });
    },
  };
}
