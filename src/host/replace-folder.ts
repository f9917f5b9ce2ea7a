import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { linkTarget, temporaryBeside } from './replace-file.js';

/**
 * Fills a folder that takes the place of `path` when `fill` succeeds: whoever looks sees all of the old content or all
 * of the new. However it ends, nothing is left beside it. Whether what is there may go is the caller's to know.
 *
 * @param mode of the folder
 */
export async function replaceFolder<Result>(
  path: string,
  mode: number,
  fill: (staging: string) => Promise<Result>,
): Promise<Result> {
  const place = await linkTarget(path);
  const staging = temporaryBeside(place);
  try {
    await mkdir(staging, { mode });
    const result = await fill(staging);
    await swap(staging, place);
    return result;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The two names cannot be exchanged in one step; if the second fails, the first is taken back. */
async function swap(staging: string, out: string): Promise<void> {
  const old = `${staging}.old`;
  const wasThere = (await stat(out).catch(() => undefined)) !== undefined;
  if (wasThere) await rename(out, old);
  try {
    await rename(staging, out);
  } catch (error) {
    if (wasThere) await rename(old, out);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}
