import type { Problem } from '../errors.js';
import type { BootPartitionFiles } from '../formats/config-txt-problems.js';
import { configTxtProblems } from '../formats/config-txt-problems.js';
import { withConfigLines } from '../formats/config-txt.js';

/**
 * Lines for config.txt that the firmware could not carry out on this image. What the image came with is not this
 * person's mistake and is left out. Codes: those of `configTxtProblems`.
 */
export async function lostConfigLines(
  image: BootPartitionFiles,
  lines: readonly string[],
): Promise<readonly Problem[]> {
  if (lines.length === 0) return [];
  const before = Buffer.from((await image.readFile('config.txt')) ?? []).toString('utf8');
  const problems = await configTxtProblems(image, withConfigLines(before, lines));
  return problems.filter(({ line }) => lines.includes(line)).map(({ problem }) => problem);
}
