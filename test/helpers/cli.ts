import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

/** The built command line, as users run it. */
const PROJECT = join(import.meta.dirname, '../..');
const RUN = join(PROJECT, 'bin/run.js');

export type CliResult = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** With --json: every line of stdout. */
  readonly events: readonly CliEvent[];
};

/** An event, the result (`type: 'result'`) or an error. */
export type CliEvent = { readonly type?: string; readonly stage?: string } & Readonly<Record<string, unknown>>;

const BETWEEN_SIGNALS_MS = 50;
const KEPT_OUTPUT = 4_000;

type CliOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A program that runs the command line: its name and what comes before. */
  readonly wrapper?: readonly [string, ...string[]];
  /** Ends it with SIGTERM, so that a build which should have been refused does not go on for long. */
  readonly timeoutMs?: number;
};

export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const [file, ...first] = [...(options.wrapper ?? []), process.execPath, RUN] as [string, ...string[]];
  return new Promise((resolve) => {
    execFile(
      file,
      [...first, ...args],
      {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        maxBuffer: 64 * 1024 * 1024,
        timeout: options.timeoutMs ?? 0,
      },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode, stdout, stderr, events: args.includes('--json') ? eventsOf(stdout) : [] });
      },
    );
  });
}

/**
 * Runs until `when` says of an event that it is time, sends the signals, each a little later than the one before, and
 * waits for the end.
 */
export async function cliInterrupted(
  args: readonly string[],
  signals: readonly NodeJS.Signals[],
  when: ((event: CliEvent) => boolean) | Promise<void>,
  options: Omit<CliOptions, 'wrapper' | 'timeoutMs'> & { readonly delayMs?: number } = {},
): Promise<{ readonly exitCode: number | null; readonly interrupted: boolean; readonly output: string }> {
  const child = spawn(process.execPath, [RUN, ...args, '--json'], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let interrupted = false;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-KEPT_OUTPUT)));
  }
  const interrupt = (): void => {
    interrupted = true;
    for (const [index, signal] of signals.entries()) {
      setTimeout(() => child.kill(signal), (options.delayMs ?? 0) + index * BETWEEN_SIGNALS_MS);
    }
  };
  if (typeof when === 'function') {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!interrupted && when(JSON.parse(line) as CliEvent)) interrupt();
    });
  } else void when.then(interrupt);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, interrupted, output };
}

/** NDJSON, or one document over several lines. */
function eventsOf(stdout: string): readonly CliEvent[] {
  try {
    return [JSON.parse(stdout) as CliEvent];
  } catch {
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as CliEvent);
  }
}

export function resultOf(result: CliResult): CliEvent {
  const last = result.events.at(-1);
  if (last === undefined) throw new Error(`no JSON in: ${result.stdout}\n${result.stderr}`);
  return last;
}

/** `code` of the error that ended a run with --json. */
export function errorCode(result: CliResult): string | undefined {
  return (resultOf(result) as { error?: { code?: string } }).error?.code;
}

/**
 * For `wrapper`: a small file system at `target`, an empty folder, in a mount namespace of its own, so that it is gone
 * with the program. `afterwards` is a shell command that still sees it, as "$0".
 */
export function withTmpfs(target: string, options: string, afterwards = 'true'): [string, ...string[]] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = `mount -t tmpfs -o "$1" none "$0" && shift && "$@"; code=$?; ${afterwards}; exit $code`;
  return ['unshare', ...asRoot, '--mount', 'sh', '-c', script, target, options];
}
