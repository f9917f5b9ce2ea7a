import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import { threadTimes } from '../../../src/host/thread-times.js';

let proc: string;

beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'reswarm-proc-'));
});

afterEach(async () => {
  await rm(proc, { recursive: true });
});

async function processOf(pid: number, group: number, schedstat?: string): Promise<void> {
  const task = join(proc, String(pid), 'task', String(pid));
  await mkdir(task, { recursive: true });
  const stat = `${pid} (qemu (x) y) S 1 ${group} ${group} 0 -1 4194560 0 0 0 0 250 50 0 0 20 0 1 0 100`;
  await writeFile(join(proc, String(pid), 'stat'), stat);
  await writeFile(join(task, 'stat'), stat);
  if (schedstat !== undefined) await writeFile(join(task, 'schedstat'), schedstat);
}

describe('the time of the threads of a group', () => {
  it('is read of all of its processes and of no others', async () => {
    await processOf(10, 10, '1500000000 250000000 7\n');
    await processOf(11, 10, '0 0 0\n');
    await processOf(12, 12, '9000000000 0 1\n');
    await mkdir(join(proc, '13'));
    expect(await threadTimes(10, proc)).toEqual([
      { id: 10, runSeconds: 1.5, waitSeconds: 0.25 },
      { id: 11, runSeconds: 0, waitSeconds: 0 },
    ]);
  });

  it('is what the kernel counts in ticks where it does not count the waiting', async () => {
    await processOf(10, 10);
    expect(await threadTimes(10, proc)).toEqual([{ id: 10, runSeconds: 3, waitSeconds: 0 }]);
  });

  it('of a program inside a sandbox is seen, with what it had to wait for others', async () => {
    const { signal } = new AbortController();
    const facts = readHostFacts(process.env);
    const host = new RealHost({ facts, signal, environment: process.env, offline: true });
    // One more than there are processors: at least one of them waits at any time.
    const loops = Array.from({ length: availableParallelism() + 1 }, () => 'while :; do :; done &').join(' ');
    const program = host.startIn(
      { root: '/' },
      { file: 'sh', args: ['-c', `${loops} wait`] },
      { onLine: () => undefined },
    );
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const threads = await program.threadTimes();
    await program.stop();
    expect(threads.length).toBeGreaterThan(availableParallelism());
    expect(threads.reduce((sum, { runSeconds }) => sum + runSeconds, 0)).toBeGreaterThan(0.2);
    expect(threads.reduce((sum, { waitSeconds }) => sum + waitSeconds, 0)).toBeGreaterThan(0.2);
  }, 30_000);
});
