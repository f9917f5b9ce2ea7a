import type { Problem } from '../errors.js';
import type { Json } from '../model/json.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from './reporter.js';

/** Folders that speed a stage up and never change its result. Safe to delete at any time. */
export type SharedFolders = {
  /** Verified downloads, by digest or by .deb file name. */
  readonly downloads: string;
  readonly ccache: string;
};

export type StageContext = {
  readonly host: Host;
  readonly report: StageReporter;
  readonly shared: SharedFolders;
  /** Scratch on the store's file system; removed when the stage ends, however it ends. */
  readonly work: string;
  readonly jobs: number;
  /** No network may be used. */
  readonly offline: boolean;
};

/**
 * One step of a build. The engine knows no concrete stage; a stage knows no other stage and no store:
 * it reads what its input names and writes into `out`.
 */
export interface Stage<Input> {
  readonly name: string;
  /** Raise it when `run` writes other bytes for the same key. */
  readonly version: number;
  /** Runs before the first `run` of any stage. */
  check?(input: Input): readonly Problem[];
  /** What changes the bytes and nothing else: no host paths, job counts, mtimes. */
  key(input: Input): Json;
  /** Writes its result into the empty folder `out`. Throws a ReswarmError, and leaves the cleaning to the engine. */
  run(input: Input, out: string, context: StageContext): Promise<void>;
}
