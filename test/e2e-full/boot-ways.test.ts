import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/host/tcp-port.js';
import { cli, resultOf } from '../helpers/cli.js';

const run = promisify(execFile);
const pack = promisify(gzip);

let folder: string;
let image: string;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-boot-ways-'));
  image = join(folder, 'rpi4.img');
  key = join(folder, 'key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const seed = ['--hostname', 'gate-7', '--ssh-key', `${key}.pub`];
  const built = await cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', image, ...seed]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** What a server on that port says first, as soon as it says anything; empty when it never did. */
async function greetingOf(port: number, signal: AbortSignal): Promise<string> {
  while (!signal.aborted) {
    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1').setTimeout(2_000);
      socket.on('data', (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
      socket.on('timeout', () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        resolve('');
      });
    });
    if (text !== '') return text;
    await sleep(200);
  }
  return '';
}

describe('an image for the Raspberry Pi 4', () => {
  it('works on raspi4b, packed too, and inspect knows', async () => {
    const packed = join(folder, 'packed.img.gz');
    await writeFile(packed, await pack(await readFile(image), { level: 1 }));
    const checked = await cli(['boot', packed, '--check', '--machine', 'raspi4b', '--json', '--timeout', '3000']);
    expect(checked.exitCode, checked.stdout.slice(-4000)).toBe(0);
    expect(resultOf(checked)).toMatchObject({ machine: 'raspi4b', passed: true });
    const looked = resultOf(await cli(['inspect', packed, '--json']));
    expect(looked).toMatchObject({ bootCheck: { machine: 'raspi4b', passed: true } });
  });

  it('lets its owner in by ssh, hands on exit codes, forwards ports, and keeps its card when asked to', async () => {
    const snapshot = join(folder, 'card.qcow2');
    const card = ['--snapshot', snapshot, '--timeout', '1500'];
    const ssh = (command: string, ...more: readonly string[]) =>
      cli(['boot', image, '--ssh', '--identity', key, ...card, '--run', command, ...more]);
    const first = await ssh('hostname; echo kept | sudo tee /etc/kept; exit 7');
    expect(first.exitCode, first.stderr).toBe(7);
    expect(first.stdout).toBe('gate-7\nkept\n');
    const port = await freePort();
    const over = new AbortController();
    const greeted = greetingOf(port, over.signal);
    const second = await ssh('cat /etc/kept; /etc/update-motd.d/20-reswarm', '--forward', `${port}:22`);
    over.abort();
    expect(second.exitCode, second.stderr).toBe(0);
    expect(second.stdout).toMatch(/^kept\ngate-7: Raspberry Pi 4, reswarm-os \d+\.\d+\.\d+\n$/);
    expect(await greeted).toContain('SSH-2.0-OpenSSH');
    expect((await readdir(folder)).filter((name) => name.includes('part'))).toEqual([]);
  });
});
