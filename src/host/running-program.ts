import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Command } from '../model/command.js';
import { formatCommand } from '../model/command.js';
import { CommandError } from '../errors.js';
import type { ProgramExit, RunningProgram, StartOptions } from './host.js';
import { loadExeca } from './load-execa.js';
import { killGroupAfter } from './process-group.js';
import { threadTimes } from './thread-times.js';

/** A program that ignores SIGTERM this long is killed. */
const KILL_AFTER_MS = 3_000;

type Surroundings = { readonly environment: Readonly<Record<string, string>>; readonly signal: AbortSignal };

/** Starts `command` and hands its output on line by line while it runs. */
export function startProgram(command: Command, around: Surroundings, options: StartOptions): RunningProgram {
  const stopping = new AbortController();
  const ending = AbortSignal.any([around.signal, stopping.signal]);
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile);

  let leader: number | undefined;
  let input: Writable | undefined;
  const finish = async (): Promise<ProgramExit> => {
    const { execa } = await loadExeca();
    const subprocess = execa(command.file, command.args, {
      ...commonOptions(command, around),
      stdin: options.takesInput === true ? 'pipe' : 'ignore',
      all: true,
      buffer: false,
      detached: true,
      cancelSignal: ending,
    });
    leader = subprocess.pid;
    input = subprocess.stdin ?? undefined;
    // Written to a program that is just ending: nobody reads it any more.
    input?.on('error', () => undefined);
    const onGone = killGroupAfter(ending, leader);
    if (log !== undefined) subprocess.all.on('data', (chunk: Buffer) => log.write(chunk));
    // A stream that breaks off when the program is stopped is no error of its own.
    const reading = readLines(subprocess.iterable({ from: 'all' }), options.onLine).catch(() => undefined);
    const [result] = await Promise.all([subprocess, reading]);
    onGone();
    if (log !== undefined) {
      log.end();
      await once(log, 'close');
    }
    return exitOf(command, result);
  };
  const exited = finish();
  // Whoever only calls stop() must not be hit by an unhandled rejection.
  exited.catch(() => undefined);
  return {
    exited,
    threadTimes: () => (leader === undefined ? Promise.resolve([]) : threadTimes(leader)),
    write: (text) => input?.write(text),
    stop: async () => {
      input?.end();
      stopping.abort();
      await exited.catch(() => undefined);
    },
  };
}

/** Runs `command` on our own terminal. */
export async function attachProgram(command: Command, around: Surroundings): Promise<ProgramExit> {
  const { execa } = await loadExeca();
  const result = await execa(command.file, command.args, {
    ...commonOptions(command, around),
    stdio: 'inherit',
    cancelSignal: around.signal,
  });
  return exitOf(command, result);
}

function commonOptions(command: Command, around: Surroundings) {
  return {
    env: { ...around.environment, ...command.env },
    extendEnv: false,
    cwd: command.cwd,
    forceKillAfterDelay: KILL_AFTER_MS,
    reject: false,
  } as const;
}

async function readLines(lines: AsyncIterable<unknown>, onLine: (line: string) => void): Promise<void> {
  for await (const line of lines) onLine(String(line));
}

function exitOf(command: Command, result: { exitCode?: number; code?: string }): ProgramExit {
  if (result.code === 'ENOENT') {
    throw new CommandError(
      'command-not-found',
      `The program "${formatCommand({ ...command, args: [] })}" is not here`,
      {
        hints: ['`reswarm-os doctor` names what is missing and how to get it.'],
      },
    );
  }
  return { exitCode: result.exitCode };
}
