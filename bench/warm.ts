import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { seconds } from './figure.js';
import { median, time, timeCli } from './timing.js';

const userData = (number: number): string => `#cloud-config\nruncmd:\n  - [echo, run-${number}]\n`;

/** What a second build costs: with nothing changed, and with another user-data. Makes the image first if need be. */
export async function measureWarm(board: string, folder: string, runs: number): Promise<readonly Figure[]> {
  const seed = join(folder, 'user-data');
  const build = ['build', '--board', board, '--output', join(folder, 'warm.img'), '--user-data', seed];
  let number = 0;
  const change = async (): Promise<void> => writeFile(seed, userData((number += 1)));
  await change();
  await timeCli(build);

  const identical: Run[] = [];
  const changed: Run[] = [];
  const bare: Run[] = [];
  for (let run = 0; run < runs; run += 1) {
    bare.push(await time(process.execPath, ['-e', '0']));
    identical.push(await timeCli(build));
    await change();
    changed.push(await timeCli(build));
  }
  return [
    { what: 'Identical build', target: '≤ 1.5 s', ...summary(identical) },
    { what: 'Only user-data changed', target: '≤ 5 s', ...summary(changed) },
    { what: 'Start of Node.js alone, `node -e 0`', ...summary(bare) },
  ];
}

type Run = { readonly seconds: number; readonly cpuSeconds: number };

function summary(runs: readonly Run[]): { value: string; how: string } {
  const walls = runs.map((run) => run.seconds);
  const all = walls.map((value) => value.toFixed(2)).join(', ');
  const cpu = seconds(median(runs.map(({ cpuSeconds }) => cpuSeconds)));
  return { value: seconds(median(walls)), how: `median of ${runs.length}: ${all}; ${cpu} of processor time` };
}
