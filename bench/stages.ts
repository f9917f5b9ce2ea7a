import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { seconds } from './figure.js';
import type { ImageDescription } from './image-description.js';
import { storeEntry } from './store-entry.js';

/**
 * What each stage of an image took when it was made, whenever that was. Firmware, kernel and root file system run at the
 * same time in a cold build, so the sum is more than the wall time of one.
 */
export async function readStageTimes(description: ImageDescription): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { stage, cached, durationMs } of description.build.stages) {
    if (!cached) {
      figures.push({ what: `Stage ${stage}`, value: seconds(durationMs / 1000), how: 'made in this build' });
      continue;
    }
    const file = join(await storeEntry(description, stage), '..', 'stage.json');
    const made = JSON.parse(await readFile(file, 'utf8')) as { durationMs: number; madeAt: string };
    figures.push({ what: `Stage ${stage}`, value: seconds(made.durationMs / 1000), how: `made ${made.madeAt}` });
  }
  return figures;
}
