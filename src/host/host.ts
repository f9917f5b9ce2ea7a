import type { FileHandle } from 'node:fs/promises';
import type { BlockDevice } from './drives/block-device.js';
import type { Command } from '../model/command.js';
import type { Privilege, Sandbox } from '../model/sandbox.js';
import type { RemoteFile } from './remote-file.js';
import type { ThreadTime } from './thread-times.js';

export type RunOptions = {
  /** Called with every whole line of stdout and stderr as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** stdout and stderr are appended here in full. */
  readonly logFile?: string;
  /** stdout goes into this file instead of into memory. */
  readonly stdoutFile?: string;
  /** stdin comes from this file. */
  readonly stdinFile?: string;
  /** Exit codes that are answers, not failures. Default: [0]. */
  readonly okExitCodes?: readonly number[];
  readonly timeoutMs?: number;
};

export type StartOptions = {
  /** Called with every whole line of stdout and stderr as it comes. */
  readonly onLine: (line: string) => void;
  /** stdout and stderr are written here in full. */
  readonly logFile?: string;
  /** It reads what `write` is given; by default its stdin is empty. */
  readonly takesInput?: boolean;
};

/** How a started program ended; `exitCode` is undefined when a signal ended it, as `stop` does. */
export type ProgramExit = { readonly exitCode: number | undefined };

/** A program that goes on while we watch it: a virtual machine. */
export interface RunningProgram {
  /** Resolves when it is gone, however it ended; rejects with CommandError `command-not-found` only. */
  readonly exited: Promise<ProgramExit>;
  /** What its threads, and those of all that it started, had of the processors so far; empty when they are gone. */
  threadTimes(): Promise<readonly ThreadTime[]>;
  /** Types into its stdin, where it takes any. What it no longer reads is lost. */
  write(text: string): void;
  /** Ends it and all that it started; resolves when they are gone. Safe to call twice, and when it has ended. */
  stop(): Promise<void>;
}

export type Output = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** Who and where we are, read once at the start. */
export type HostFacts = {
  /** Debian's name: amd64, arm64. */
  readonly architecture: string;
  readonly privilege: Privilege;
  /** $XDG_CACHE_HOME/reswarm-os */
  readonly cacheDir: string;
  readonly cpus: number;
};

/** The only door to the system: programs, downloads and devices. Tests pass one that refuses what they do not expect. */
export interface Host {
  readonly facts: HostFacts;
  readonly signal: AbortSignal;
  /** Throws CommandError `command-failed` (stderr's tail in its details) or `command-not-found`; InterruptedError when aborted. */
  run(command: Command, options?: RunOptions): Promise<Output>;
  /** `run` inside a sandbox, with this process's privilege. */
  runIn(sandbox: Sandbox, command: Command, options?: RunOptions): Promise<Output>;
  /**
   * stdout as it comes, with `input` fed to stdin. Whoever stops reading ends the program. When it ends with an error,
   * so does the iteration: as `run` does.
   */
  stream(
    command: Command,
    input?: AsyncIterable<Uint8Array>,
    options?: Pick<RunOptions, 'okExitCodes'>,
  ): AsyncIterable<Uint8Array>;
  /** Starts a program inside a sandbox and does not wait for it. When the host's signal is aborted it is stopped too. */
  startIn(sandbox: Sandbox, command: Command, options: StartOptions): RunningProgram;
  /** Lends our own terminal to a program inside a sandbox until it ends. */
  attachIn(sandbox: Sandbox, command: Command): Promise<ProgramExit>;
  /** The same for a program of this machine: ssh. */
  attach(command: Command): Promise<ProgramExit>;
  /** Fetches to `request.path`, resuming a partial file; throws NetworkError or IntegrityError. */
  download(request: DownloadRequest): Promise<void>;
  /** A file of a web server, read while it comes. Nothing is asked before it is read. */
  remoteFile(url: URL): Promise<RemoteFile>;
  /** A small text of a web server; undefined where it has none there. Throws what RemoteFile's stream throws. */
  remoteText(url: URL, mostBytes: number): Promise<string | undefined>;
  /** What somebody pipes into this process; can be read once. Throws UserError `standard-input-is-a-terminal`. */
  standardInput(): AsyncIterable<Uint8Array>;
  /** What this machine has for drives, read now. Throws ReswarmError `devices-unknown`. */
  blockDevices(): Promise<readonly BlockDevice[]>;
  /** Opens a device for nobody else's use; throws ReswarmError `device-busy`, `device-not-permitted`, `device-gone`. */
  openDevice(path: string, access: DeviceAccess): Promise<FileHandle>;
  /** The same host for a part of the work that ends when either signal says so. */
  until(signal: AbortSignal): Host;
  /** The same host for what must be put in order also after Ctrl-C; short work only. */
  uninterrupted(): Host;
}

export type DeviceAccess = {
  /** `look` finds out whether the kernel would let us; `hold` keeps a loop device and is the only shared one. */
  readonly access: 'look' | 'write' | 'hold';
  /** Past the page cache; buffers, lengths and offsets must be aligned to 4096 bytes then. */
  readonly direct?: boolean;
};

export type DownloadProgress = {
  readonly doneBytes: number;
  /** 0 as long as it is not known. */
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds?: number;
};

/** One pinned file: any of the URLs will do, as long as the bytes hash right. */
export type DownloadRequest = {
  /** http:, https: and file: URLs, or absolute paths; tried in order. */
  readonly urls: readonly string[];
  readonly sha256: string;
  readonly sizeBytes?: number;
  /** Final path; appears only when complete and verified. */
  readonly path: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
};
