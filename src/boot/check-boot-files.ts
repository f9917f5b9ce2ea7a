import { readFile } from 'node:fs/promises';
import type { Problem } from '../errors.js';
import { configTxtProblems } from '../formats/config-txt-problems.js';
import type { BootFile } from './boot-tree.js';

/**
 * What the firmware could not carry out of the config.txt among these files, with all of them compiled and at hand: an
 * overlay that fits none of the device trees, a parameter that nothing has, a file that is not among them. Without a
 * config.txt there is nothing to say. Codes: those of `configTxtProblems`.
 */
export async function bootFileProblems(files: readonly BootFile[]): Promise<readonly Problem[]> {
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const file = files.find(({ name }) => name.toLowerCase() === path.toLowerCase());
    if (file === undefined) return undefined;
    return 'text' in file ? Buffer.from(file.text) : readFile(file.source);
  };
  const text = await read('config.txt');
  if (text === undefined) return [];
  const partition = { names: () => Promise.resolve(files.map(({ name }) => name)), readFile: read };
  const problems = await configTxtProblems(partition, Buffer.from(text).toString('utf8'));
  return problems.map(({ filter, problem }) => ({
    ...problem,
    message: `config.txt, [${filter}]: ${problem.message}`,
  }));
}
