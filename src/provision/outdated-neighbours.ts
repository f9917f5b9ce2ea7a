import { readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { updateChecksums } from '../formats/checksum-list.js';
import { replaceTextFile } from '../host/replace-file.js';

/**
 * Takes away what lies beside an image file and describes it as it was before a change in place: its block map, its
 * `.sha256`, its lines of SHA256SUMS. `flash` holds an image to them, and would refuse the changed one.
 *
 * @returns what was taken away, in words for a person
 */
export async function removeOutdatedNeighbours(image: string): Promise<readonly string[]> {
  const described = [`${image}.bmap`, image.replace(/\.img$/, '.bmap'), `${image}.sha256`];
  const removed: string[] = [];
  for (const path of new Set(described)) {
    if (path === image || (await stat(path).catch(() => undefined))?.isFile() !== true) continue;
    await rm(path, { force: true });
    removed.push(basename(path));
  }
  const sums = join(dirname(image), 'SHA256SUMS');
  const before = await readFile(sums, 'utf8').catch(() => undefined);
  if (before === undefined) return removed;
  const after = updateChecksums(before, [], [basename(image), ...removed]);
  if (after === updateChecksums(before, [])) return removed;
  if (after === '') await rm(sums);
  else await replaceTextFile(sums, after);
  return [...removed, `its ${after === '' ? 'SHA256SUMS' : 'lines of SHA256SUMS'}`];
}
