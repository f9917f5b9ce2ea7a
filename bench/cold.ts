import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { seconds } from './figure.js';
import { CLI, time } from './timing.js';

/** A build with an empty store, compiler cache and downloads included. */
export async function measureCold(board: string, folder: string): Promise<readonly Figure[]> {
  const cache = join(folder, 'cold-cache');
  await mkdir(cache);
  try {
    const build = [process.execPath, CLI, 'build', '--board', board, '--output', join(folder, 'cold.img'), '--json'];
    const cold = await time('env', [`XDG_CACHE_HOME=${cache}`, ...build]);
    const result = JSON.parse(cold.stdout.trimEnd().split('\n').at(-1) ?? '') as {
      stages: readonly { stage: string; durationMs: number }[];
    };
    return [
      { what: 'Cold build', value: seconds(cold.seconds), target: '≤ 18 min', how: 'empty store, downloads included' },
      ...result.stages.map(({ stage, durationMs }) => {
        return { what: `Cold build: ${stage}`, value: seconds(durationMs / 1000) };
      }),
    ];
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
