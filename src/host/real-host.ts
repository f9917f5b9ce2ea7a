import { setMaxListeners } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ExecaError } from 'execa';
import type { BlockDevice } from './drives/block-device.js';
import type { Command } from '../model/command.js';
import { formatCommand } from '../model/command.js';
import type { Sandbox } from '../model/sandbox.js';
import { sandboxed } from '../model/sandbox.js';
import { CommandError, InterruptedError } from '../errors.js';
import type { DeviceAccess } from './host.js';
import { openBlockDevice, readBlockDevices } from './read-block-devices.js';
import type { DownloadRequest } from './host.js';
import type { Host, HostFacts, Output, ProgramExit, RunningProgram, RunOptions, StartOptions } from './host.js';
import { loadExeca } from './load-execa.js';
import type { RemoteFile } from './remote-file.js';
import { readStandardInput } from './standard-input.js';
import { killGroupAfter } from './process-group.js';
import { attachProgram, startProgram } from './running-program.js';

/** What programs may see of our environment: where to find programs, how to reach the network. */
const PASSED_ON = ['PATH', 'HOME', 'http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

const STDERR_TAIL_LINES = 20;
/** A program that ignores SIGTERM this long is killed. */
const KILL_AFTER_MS = 5_000;

type RealHostOptions = {
  readonly facts: HostFacts;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly offline: boolean;
};

/** The Host that really runs programs. */
export class RealHost implements Host {
  readonly facts: HostFacts;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string>>;
  private readonly offline: boolean;

  constructor(options: RealHostOptions) {
    this.facts = options.facts;
    this.signal = options.signal;
    // Every program that runs listens; Node warns about more than ten.
    setMaxListeners(0, this.signal);
    this.offline = options.offline;
    this.environment = {
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      ...Object.fromEntries(
        PASSED_ON.map((name) => [name, options.environment[name]]).filter(
          (entry): entry is [string, string] => entry[1] !== undefined,
        ),
      ),
    };
  }

  async run(command: Command, options: RunOptions = {}): Promise<Output> {
    const { execa, ExecaError } = await loadExeca();
    this.signal.throwIfAborted();
    const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' });
    // A log that cannot be written stops nothing: a program that the same full disk stops says so itself.
    log?.on('error', () => undefined);
    log?.write(`$ ${formatCommand(command)}\n`);
    const subprocess = execa(command.file, command.args, {
      env: { ...this.environment, ...command.env },
      extendEnv: false,
      cwd: command.cwd,
      stdin:
        options.stdinFile !== undefined ? { file: options.stdinFile } : command.stdin === undefined ? 'ignore' : 'pipe',
      ...(command.stdin === undefined ? {} : { input: command.stdin }),
      stdout: options.stdoutFile === undefined ? 'pipe' : { file: options.stdoutFile },
      stderr: 'pipe',
      buffer: { stdout: options.stdoutFile === undefined },
      cancelSignal: this.signal,
      forceKillAfterDelay: KILL_AFTER_MS,
      timeout: options.timeoutMs,
      maxBuffer: 256 * 1024 * 1024,
      stripFinalNewline: false,
      detached: true,
      reject: false,
    });
    const onGone = killGroupAfter(this.signal, subprocess.pid);
    const onLine = options.onLine;
    if (log !== undefined) {
      // execa leaves stdout out when it goes to a file; its types do not say so.
      for (const stream of [subprocess.stdout, subprocess.stderr] as (Readable | null)[]) {
        stream?.on('data', (chunk: Buffer) => log.write(chunk));
      }
    }
    const reading =
      onLine === undefined
        ? []
        : (['stdout', 'stderr'] as const)
            .filter((stream) => stream === 'stderr' || options.stdoutFile === undefined)
            .map(async (stream) => {
              for await (const line of subprocess.iterable({ from: stream })) onLine(line, stream);
            });
    const [result] = await Promise.all([subprocess, ...reading.map((lines) => lines.catch(() => undefined))]);
    onGone();
    if (log !== undefined) {
      log.end();
      await finished(log).catch(() => undefined);
    }
    if (this.signal.aborted) throw this.interruption();
    const stderr = typeof result.stderr === 'string' ? result.stderr : '';
    const stdout = typeof result.stdout === 'string' ? result.stdout : '';
    const outcome: unknown = result;
    const error = outcome instanceof ExecaError ? outcome : undefined;
    // A cause is what went wrong beside the exit code: stdout could not be written, or was too much to keep.
    const isComplete = error?.cause === undefined;
    if (isComplete && result.exitCode !== undefined && (options.okExitCodes ?? [0]).includes(result.exitCode)) {
      return { exitCode: result.exitCode, stdout, stderr };
    }
    throw commandError(command, error, stderr, options.logFile);
  }

  async runIn(sandbox: Sandbox, command: Command, options: RunOptions = {}): Promise<Output> {
    return this.run(sandboxed(sandbox, command, this.facts.privilege), options);
  }

  async *stream(
    command: Command,
    input?: AsyncIterable<Uint8Array>,
    { okExitCodes = [0] }: Pick<RunOptions, 'okExitCodes'> = {},
  ): AsyncIterable<Uint8Array> {
    const { execa, ExecaError } = await loadExeca();
    this.signal.throwIfAborted();
    const abandoned = new AbortController();
    const ending = AbortSignal.any([this.signal, abandoned.signal]);
    const subprocess = execa(command.file, command.args, {
      env: { ...this.environment, ...command.env },
      extendEnv: false,
      cwd: command.cwd,
      ...(input === undefined ? { stdin: 'ignore' } : { input: Readable.from(input, { objectMode: false }) }),
      stdout: 'pipe',
      stderr: 'pipe',
      buffer: { stdout: false },
      encoding: 'buffer',
      cancelSignal: ending,
      forceKillAfterDelay: KILL_AFTER_MS,
      detached: true,
      reject: false,
    });
    const onGone = killGroupAfter(ending, subprocess.pid);
    let hasEnded = false;
    try {
      for await (const chunk of subprocess.stdout as AsyncIterable<Buffer>) yield chunk;
      hasEnded = true;
    } catch (error) {
      // Where the pipe broke off, how the program ended says why.
      if (subprocess.stdout.errored === null) throw error;
      hasEnded = true;
    } finally {
      if (!hasEnded) abandoned.abort();
      await subprocess;
      onGone();
    }
    const result = await subprocess;
    if (this.signal.aborted) throw this.interruption();
    const outcome: unknown = result;
    if (result.exitCode !== undefined && okExitCodes.includes(result.exitCode)) return;
    if (outcome instanceof ExecaError) throw commandError(command, outcome, Buffer.from(result.stderr).toString());
  }

  startIn(sandbox: Sandbox, command: Command, options: StartOptions): RunningProgram {
    this.signal.throwIfAborted();
    return startProgram(sandboxed(sandbox, command, this.facts.privilege), this, options);
  }

  async attach(command: Command): Promise<ProgramExit> {
    this.signal.throwIfAborted();
    return attachProgram(command, this);
  }

  async attachIn(sandbox: Sandbox, command: Command): Promise<ProgramExit> {
    this.signal.throwIfAborted();
    return attachProgram(sandboxed(sandbox, command, this.facts.privilege), this);
  }

  async download(request: DownloadRequest): Promise<void> {
    const { downloadFile } = await import('./download.js');
    await downloadFile(request, { signal: this.signal, offline: this.offline, environment: this.environment });
  }

  async remoteFile(url: URL): Promise<RemoteFile> {
    const { HttpFile, remoteOptions } = await import('./remote-file.js');
    return new HttpFile(url, remoteOptions(this.signal, this.offline, this.environment));
  }

  async remoteText(url: URL, mostBytes: number): Promise<string | undefined> {
    const { readText } = await import('./remote-file.js');
    return readText(await this.remoteFile(url), mostBytes);
  }

  standardInput(): AsyncIterable<Uint8Array> {
    return readStandardInput(this.signal);
  }

  blockDevices(): Promise<readonly BlockDevice[]> {
    return readBlockDevices(this);
  }

  openDevice(path: string, access: DeviceAccess): Promise<FileHandle> {
    this.signal.throwIfAborted();
    return openBlockDevice(path, access);
  }

  until(signal: AbortSignal): RealHost {
    return this.withSignal(AbortSignal.any([this.signal, signal]));
  }

  uninterrupted(): RealHost {
    return this.withSignal(new AbortController().signal);
  }

  private withSignal(signal: AbortSignal): RealHost {
    return new RealHost({ facts: this.facts, signal, environment: this.environment, offline: this.offline });
  }

  private interruption(): InterruptedError {
    return this.signal.reason instanceof InterruptedError ? this.signal.reason : new InterruptedError('a signal');
  }
}

function commandError(command: Command, error: ExecaError | undefined, stderr: string, logFile?: string): CommandError {
  const name = innerProgram(command);
  if (error?.code === 'ENOENT') {
    return new CommandError('command-not-found', `The program "${command.file}" is not on this machine`, {
      hints: ['`reswarm-os doctor` names what is missing and how to get it.'],
    });
  }
  const how =
    error?.cause instanceof Error
      ? `failed: ${error.cause.message}`
      : error?.timedOut === true
        ? `took longer than ${Math.round(error.durationMs / 1000)} s`
        : error?.signal !== undefined
          ? `was ended by ${error.signal}`
          : `ended with exit code ${error?.exitCode ?? 'unknown'}`;
  return new CommandError('command-failed', `${name} ${how}`, {
    details: stderr.trimEnd().split('\n').slice(-STDERR_TAIL_LINES),
    hints: logFile === undefined ? [] : [`The whole output is in ${logFile}`],
    cause: error,
  });
}

/** The program a person cares about: what runs inside bubblewrap, not bubblewrap. */
function innerProgram(command: Command): string {
  const separator = command.args.lastIndexOf('--');
  const isWrapped = ['bwrap', 'unshare', 'setpriv'].includes(command.file);
  return (isWrapped && separator >= 0 ? command.args[separator + 1] : undefined) ?? command.file;
}
