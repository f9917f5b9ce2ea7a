import type { Command } from '../model/command.js';
import type { Json } from '../model/json.js';
import type { Problem } from '../errors.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from './reporter.js';

/** Folders that speed a stage up and never change its result. Safe to delete at any time. */
export type SharedFolders = {
  /** Verified downloads, by digest or by .deb file name. */
  readonly downloads: string;
  readonly ccache: string;
  /** Source and objects of kernels, to compile only what another configuration changes. */
  readonly kernelBuilds: string;
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

/** What a stage wrote: its folder, and the key that stands for every byte in it. */
export type Made = { readonly key: string; readonly path: string };

/**
 * One step of a build: an input becomes files, and `open` says what they are. A stage knows no other stage, no store
 * and no runner: it reads what its input names and writes into `out`.
 */
export interface Stage<Input, Output> {
  readonly name: string;
  /** Raise it when `run` writes other bytes for the same key. */
  readonly version: number;
  /** The line of a build's list that this stage belongs to: "Kernel". */
  readonly group: string;
  /** Runs before the first `run` of the stage. */
  check?(input: Input): readonly Problem[];
  /** What changes the bytes and nothing else: no host paths, job counts, mtimes. */
  key(input: Input): Json;
  /** The commands that shape the result, for a plan. */
  commands?(input: Input, options: { readonly jobs: number }): readonly Command[];
  /** Writes its result into the empty folder `out`. Throws a ReswarmError, and leaves the cleaning to the runner. */
  run(input: Input, out: string, context: StageContext): Promise<void>;
  /** The result as others use it; nobody else knows the names of the files in `out`. */
  open(made: Made, input: Input): Output | Promise<Output>;
}
