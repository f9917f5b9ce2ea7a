import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { median, time, timeCli, CLI } from './timing.js';

/** Of a made-up key pair. */
const KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(42)}A bench`;

/** What it takes to make an image in a raw file another device; the start of the program is measured beside it. */
export async function measureInject(image: string, folder: string, runs: number): Promise<readonly Figure[]> {
  const target = join(folder, 'inject.img');
  await copyFile(image, target);
  await writeFile(join(folder, 'passphrase'), 'correct horse battery\n', { mode: 0o600 });
  const wifi = ['--wifi', 'plant', '--country', 'DE', '--wifi-passphrase-file', join(folder, 'passphrase')];
  const identity = (run: number): string[] => [
    '--hostname',
    `gate-${run}`,
    '--ssh-key',
    KEY,
    '--timezone',
    'UTC',
    ...wifi,
  ];
  const starts: number[] = [];
  const injections: number[] = [];
  const cpu: number[] = [];
  const traffic: number[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const start = await time(process.execPath, [CLI, '--version']);
    const { seconds, cpuSeconds, result } = await timeCli(['inject', target, ...identity(run)]);
    const { changed, readBytes, writtenBytes } = result as {
      changed: boolean;
      readBytes: number;
      writtenBytes: number;
    };
    if (!changed) throw new Error('nothing was injected');
    // The first run fills the page cache.
    if (run === 0) continue;
    starts.push(start.seconds);
    injections.push(seconds);
    cpu.push(cpuSeconds - start.cpuSeconds);
    traffic.push(readBytes + writtenBytes);
  }
  const ms = (value: number): string => `${Math.round(value * 1000)} ms`;
  return [
    {
      what: '`inject` into a raw image (name, key, Wi-Fi, time zone), beyond the start of the program',
      value: ms(median(injections) - median(starts)),
      target: '≤ 100 ms',
      how: `median of ${runs}: ${ms(median(injections))} in all, ${ms(median(starts))} for \`--version\`; ${ms(median(cpu))} of processor time beyond it`,
    },
    {
      what: '… bytes of the image read, written and read back',
      value: `${(Math.max(...traffic) / 1024).toFixed(0)} KiB`,
      target: '≤ 1 MiB',
    },
  ];
}
