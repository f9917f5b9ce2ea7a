import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../../src/errors.js';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';

let folder: string;
let abort: AbortController;
let host: RealHost;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-host-'));
  abort = new AbortController();
  const environment = { PATH: process.env.PATH, HOME: '/nowhere', SECRET: 'x' };
  host = new RealHost({ facts: readHostFacts(process.env), signal: abort.signal, environment, offline: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const shell = (script: string) => ({ file: 'sh', args: ['-c', script] });

describe('a program of the host', () => {
  it('gives its output, and its exit code where that is an answer', async () => {
    const output = await host.run(shell('echo out; echo err >&2; exit 3'), { okExitCodes: [0, 3] });
    expect(output).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('sees nothing of our environment but what it needs', async () => {
    const { stdout } = await host.run({ file: 'env', args: [] });
    expect(stdout).toContain('LANG=C.UTF-8');
    expect(stdout).not.toContain('SECRET');
  });

  it('is named with its last words when it fails', async () => {
    const command = { file: 'unshare', args: ['--', 'sh', '-c', 'echo why >&2; exit 4'] };
    await expect(host.run(command)).rejects.toMatchObject({
      code: 'command-failed',
      message: 'sh ended with exit code 4',
      details: ['why'],
    });
  });

  it('is named when it is not there', async () => {
    await expect(host.run({ file: 'no-such-program', args: [] })).rejects.toMatchObject({ code: 'command-not-found' });
  });

  it('ends when it takes too long', async () => {
    await expect(host.run(shell('exec sleep 30'), { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'command-failed',
      message: expect.stringContaining('took longer') as string,
    });
  });

  it('ends when we are interrupted, with the reason', async () => {
    setTimeout(() => {
      abort.abort(new InterruptedError('SIGINT'));
    }, 50);
    await expect(host.run(shell('exec sleep 30'))).rejects.toMatchObject({ code: 'interrupted' });
    await expect(host.run(shell('true'))).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('fails when its output could not be kept, whatever its exit code says', async () => {
    await expect(host.run(shell('echo bytes'), { stdoutFile: '/dev/full' })).rejects.toMatchObject({
      code: 'command-failed',
      message: expect.stringContaining('no space left') as string,
    });
  });

  it('keeps a log of what it says, and does without when that cannot be written', async () => {
    const logFile = join(folder, 'log');
    await host.run(shell('echo out; echo err >&2'), { logFile });
    const log = await readFile(logFile, 'utf8');
    for (const line of ['$ sh -c', 'out\n', 'err\n']) expect(log).toContain(line);
    await expect(host.run(shell('echo out'), { logFile: '/dev/full' })).resolves.toMatchObject({ stdout: 'out\n' });
  });
});
