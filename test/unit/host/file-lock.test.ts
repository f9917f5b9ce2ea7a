import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryFileLock, withFileLock } from '../../../src/host/file-lock.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-lock-'));
  path = join(folder, 'lock');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const signal = new AbortController().signal;

describe('a file lock', () => {
  it('is had by one at a time, and leaves no file', async () => {
    const first = await tryFileLock(path);
    expect(first).toBeDefined();
    expect(await tryFileLock(path)).toBeUndefined();
    await first?.release();
    await first?.release();
    const second = await tryFileLock(path);
    expect(second).toBeDefined();
    await second?.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('lets any number in one after the other', async () => {
    let inside = 0;
    let most = 0;
    let waits = 0;
    const turns = Array.from({ length: 12 }, () =>
      withFileLock(path, { signal, onWait: () => (waits += 1) }, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setTimeout(resolve, 10));
        inside -= 1;
      }),
    );
    await Promise.all(turns);
    expect(most).toBe(1);
    expect(waits).toBeGreaterThan(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it('sees the lock of another program, and has it as soon as that one is killed', async () => {
    await writeFile(path, '');
    const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo locked; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    await once(holder.stdout, 'data');
    expect(await tryFileLock(path)).toBeUndefined();
    let hasWaited = false;
    const turn = withFileLock(path, { signal, onWait: () => (hasWaited = true) }, () => Promise.resolve('mine'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    expect(await turn).toBe('mine');
    expect(hasWaited).toBe(true);
  });

  it('ends the waiting when it is told to stop', async () => {
    const lock = await tryFileLock(path);
    const abort = new AbortController();
    const turn = withFileLock(path, { signal: abort.signal }, () => Promise.reject(new Error('must not run')));
    setTimeout(() => {
      abort.abort(new Error('stop'));
    }, 50);
    await expect(turn).rejects.toThrow('stop');
    await lock?.release();
  });

  it('is given back when what it was for fails', async () => {
    await expect(withFileLock(path, { signal }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what is wrong with a folder that is not there', async () => {
    await expect(tryFileLock(join(folder, 'none/lock'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
