import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mergedPath } from '../../../model/software.js';

/** Writes one line for each path of each package, `<package> <path>`: what dpkg's database in `root` says. */
export async function writeOwners(root: string, file: string): Promise<void> {
  const folder = join(root, 'var/lib/dpkg/info');
  const lists = (await readdir(folder)).filter((name) => name.endsWith('.list')).sort();
  const lines = await Promise.all(
    lists.map(async (name) => {
      const owner = name.slice(0, -'.list'.length).split(':')[0] ?? name;
      const paths = (await readFile(join(folder, name), 'utf8'))
        .split('\n')
        .filter((path) => path !== '' && path !== '/.');
      return paths.map((path) => `${owner} ${mergedPath(path)}\n`);
    }),
  );
  await writeFile(file, lines.flat().join(''));
}

/** Who brings a path of the finished root file system; several packages have a folder in common. */
export async function readOwners(out: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(out, 'owners.txt'), 'utf8');
  const owners = new Map<string, string>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) owners.set(line.slice(space + 1), line.slice(0, space));
  }
  return owners;
}
