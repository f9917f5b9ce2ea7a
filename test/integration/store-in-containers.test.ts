import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Two containers with one cache volume: process namespaces of their own, in which the other's processes do not exist. */
const PROGRAM = join(import.meta.dirname, '../helpers/store-process.ts');

type Container = ChildProcessByStdio<Writable, Readable, null>;

let cacheDir: string;
let containers: Container[];

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reswarm-shared-store-'));
  containers = [];
});

afterEach(async () => {
  for (const container of containers) container.kill('SIGKILL');
  await rm(cacheDir, { recursive: true });
});

function start(action: 'hold' | 'make' | 'look'): Container {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const inNamespace = [...asRoot, '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
  const container = spawn('unshare', [...inNamespace, process.execPath, '--import', 'tsx', PROGRAM, cacheDir, action], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  containers.push(container);
  return container;
}

async function line(container: Container): Promise<string> {
  const [chunk] = (await once(container.stdout, 'data')) as [Buffer];
  return chunk.toString().trim();
}

async function end(container: Container): Promise<number | null> {
  if (container.exitCode !== null) return container.exitCode;
  const [code] = (await once(container, 'exit')) as [number | null];
  return code;
}

describe('a store that two containers share', () => {
  it.each(['look', 'make'] as const)('keeps what one makes when the other comes to %s', async (action) => {
    const one = start('hold');
    const out = await line(one);
    expect(await end(start(action))).toBe(0);
    await access(out);
    one.stdin.end();
    expect(await end(one)).toBe(0);
    expect(await readdir(join(cacheDir, 'v1/tmp'))).toEqual([]);
  });

  it('lets them take turns at the same entry', async () => {
    const one = start('hold');
    await line(one);
    const two = start('hold');
    expect(await line(two)).toBe('waiting');
    one.stdin.end();
    expect(await end(one)).toBe(0);
    // It finds what the first one made.
    expect(await end(two)).toBe(0);
    const [key = ''] = await readdir(join(cacheDir, 'v1/shared'));
    expect(await readFile(join(cacheDir, 'v1/shared', key, 'out/result'), 'utf8')).not.toBe('');
  });

  it('clears up after one that was killed, and goes on at once', async () => {
    const one = start('hold');
    const out = await line(one);
    const gone = once(one, 'exit');
    one.kill('SIGKILL');
    await gone;
    const two = start('hold');
    expect(await line(two)).not.toBe('waiting');
    await expect(access(out)).rejects.toThrow('ENOENT');
    two.stdin.end();
    expect(await end(two)).toBe(0);
  });
});
