import { readdir, stat } from 'node:fs/promises';
import { parse } from 'node:path';

/** What lies at a path; undefined: nothing, or neither of the two. */
export async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() === true ? 'folder' : stats?.isFile() === true ? 'file' : undefined;
}

/** Names of the files in a folder that end so, without the ending, sorted; none where there is no such folder. */
export async function namesIn(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries
    .filter((entry) => entry.endsWith(ending))
    .map((entry) => parse(entry).name)
    .sort();
}
