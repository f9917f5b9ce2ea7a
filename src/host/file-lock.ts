import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { open, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { CommandError, ReswarmError } from '../errors.js';
import { BARE_ENVIRONMENT } from './caller-environment.js';

/** A file that nobody else holds, in whatever container or on whatever host of a shared disk they run. */
export type FileLock = {
  /** Removes the file and lets the next one in. Safe to call twice. */
  release(): Promise<void>;
};

type Waiting = {
  readonly signal: AbortSignal;
  /** Called once when somebody else has the lock. */
  readonly onWait?: () => void;
};

/** flock(1)'s answer when somebody else has the lock; it prints nothing then. */
const IS_HELD = 1;

/**
 * Runs `body` while nobody else is inside `body` for the same path; waits for its turn. `path` is made when it is not
 * there, and is gone afterwards: it must be a file of the lock's own, in a folder that exists.
 *
 * Throws what the signal says when it aborts, what `open` says of the path, and what `tryFileLock` throws.
 */
export async function withFileLock<T>(path: string, waiting: Waiting, body: () => Promise<T>): Promise<T> {
  const lock = await waitForFileLock(path, waiting);
  try {
    return await body();
  } finally {
    await lock.release();
  }
}

/**
 * The lock if nobody else has it, undefined otherwise. The kernel gives it back when this process ends, however it
 * ends: what lies behind a lock that can be taken was abandoned.
 *
 * Throws ReswarmError `lock-unsupported` where the file system has no locks, CommandError `command-not-found` without
 * flock(1), and what `open` says of the path.
 */
export async function tryFileLock(path: string): Promise<FileLock | undefined> {
  return lockFile(path, ['-n']);
}

/** The lock, as soon as it is this caller's turn; throws as `withFileLock` does. */
export async function waitForFileLock(path: string, { signal, onWait }: Waiting): Promise<FileLock> {
  signal.throwIfAborted();
  // Every waiting call listens; Node warns about more than ten.
  setMaxListeners(0, signal);
  const turn = queueUp(path);
  try {
    const free = turn.isFirst ? await tryFileLock(path) : undefined;
    if (free !== undefined) return endingTurn(free, turn);
    onWait?.();
    await untilAborted(turn.comes, signal);
    const lock = await lockFile(path, [], signal);
    if (lock === undefined) throw new TypeError('flock(1) waits unless it is told not to');
    return endingTurn(lock, turn);
  } catch (error) {
    turn.end();
    throw error;
  }
}

type Turn = {
  readonly isFirst: boolean;
  /** Resolves when all that came before have ended. */
  readonly comes: Promise<void>;
  readonly end: () => void;
};

/** By path, the last one that this process queues for: within a process nobody need ask the kernel to wait. */
const lastTurns = new Map<string, Promise<void>>();

function queueUp(path: string): Turn {
  const before = lastTurns.get(path);
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const comes = before ?? Promise.resolve();
  // Whoever gives up waiting lets nobody past those before.
  const last = Promise.all([comes, ended]).then(() => {
    if (lastTurns.get(path) === last) lastTurns.delete(path);
  });
  lastTurns.set(path, last);
  return { isFirst: before === undefined, comes, end };
}

function endingTurn(lock: FileLock, turn: Turn): FileLock {
  return {
    release: async () => {
      await lock.release().finally(turn.end);
    },
  };
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (onAbort = resolve));
  signal.addEventListener('abort', onAbort, { once: true });
  await Promise.race([promise, aborted]);
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
}

/** Undefined when somebody else has it, which only happens with flock's `-n`: it waits otherwise. */
async function lockFile(path: string, options: readonly string[], signal?: AbortSignal): Promise<FileLock | undefined> {
  for (;;) {
    const file = await open(path, 'a', 0o600);
    try {
      if (!(await lockDescriptor(file, path, options, signal))) {
        await file.close();
        return undefined;
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    if (await isStillAt(file, path)) return lockOf(file, path);
    // Its last holder has removed it since we opened it: whoever comes next would make another one.
    await file.close();
  }
}

/**
 * Node cannot lock files. flock(1) can lock a descriptor that it inherits: such a lock belongs to the open file, not to
 * the process, so that it stays ours when flock has ended, and ends when our descriptor is closed. No other program of
 * ours inherits the descriptor.
 *
 * @returns false when somebody else has it
 */
async function lockDescriptor(
  file: FileHandle,
  path: string,
  options: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  const { exitCode, stderr } = await runFlock(file.fd, options, BARE_ENVIRONMENT, signal).catch((error: unknown) => {
    // Distributions that keep programs elsewhere name the place in the caller's PATH.
    if (error instanceof CommandError) return runFlock(file.fd, options, undefined, signal);
    throw error;
  });
  signal?.throwIfAborted();
  if (exitCode === 0) return true;
  if (exitCode === IS_HELD && stderr === '') return false;
  throw new ReswarmError('lock-unsupported', `${path} cannot be locked`, {
    details: stderr === '' ? [] : [stderr.trimEnd()],
    hints: ['Its file system has no locks: choose a folder on a local disk (XDG_CACHE_HOME for the store).'],
  });
}

function runFlock(
  descriptor: number,
  options: readonly string[],
  env: typeof BARE_ENVIRONMENT | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    // Short options: those are the ones that BusyBox has too.
    const child = spawn('flock', ['-x', ...options, '3'], { stdio: ['ignore', 'ignore', 'pipe', descriptor], env });
    const stop = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    let stderr = '';
    // stdio[2] is a pipe; the types of a list with a number do not say so.
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (cause) => {
      signal?.removeEventListener('abort', stop);
      const hints = ['It is part of util-linux.', '`reswarm-os doctor` names what is missing and how to get it.'];
      reject(new CommandError('command-not-found', 'The program "flock" is not on this machine', { hints, cause }));
    });
    child.on('close', (exitCode) => {
      signal?.removeEventListener('abort', stop);
      resolve({ exitCode, stderr });
    });
  });
}

async function isStillAt(file: FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

function lockOf(file: FileHandle, path: string): FileLock {
  let isHeld = true;
  return {
    release: async () => {
      if (!isHeld) return;
      isHeld = false;
      // Before it is given back: afterwards it may be somebody else's.
      await rm(path, { force: true }).catch(() => undefined);
      await file.close();
    },
  };
}
