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

  const identical: number[] = [];
  const changed: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    bare.push((await time(process.execPath, ['-e', '0'])).seconds);
    identical.push((await timeCli(build)).seconds);
    await change();
    changed.push((await timeCli(build)).seconds);
  }
  const how = (values: readonly number[]): string =>
    `median of ${values.length}: ${values.map((value) => value.toFixed(2)).join(', ')}`;
  return [
    { what: 'Identical build', value: seconds(median(identical)), target: '≤ 1.5 s', how: how(identical) },
    { what: 'Only user-data changed', value: seconds(median(changed)), target: '≤ 5 s', how: how(changed) },
    { what: 'Start of Node.js alone', value: seconds(median(bare)), how: `\`node -e 0\`, ${how(bare)}` },
  ];
}
