import { copyFile, mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '../model/sha256.js';
import { measureTree } from '../model/tree-content.js';
import type { Tree } from '../tools/tree.js';

/** One file of a boot partition: copied from a stage's result (whose digest says which bytes) or written from text. */
export type BootFile = { readonly name: string } & (
  { readonly source: string; readonly digest: string } | { readonly text: string }
);

/** A file of a stage's result. @param key of the stage */
export function bootFileOf(name: string, source: string, key: string): BootFile {
  return { name, source, digest: key };
}

/** The files as a tree. Its content is known now, so that its partition can be placed before it is made. */
export async function bootTree(files: readonly BootFile[], sourceDateEpoch: number): Promise<Tree> {
  const sizes = await Promise.all(
    files.map(async (file) => ('text' in file ? Buffer.byteLength(file.text) : (await stat(file.source)).size)),
  );
  return {
    key: {
      files: Object.fromEntries(files.map((file) => [file.name, 'text' in file ? sha256(file.text) : file.digest])),
      sourceDateEpoch,
    },
    content: measureTree(sizes.map((sizeBytes) => ({ type: 'file', sizeBytes }))),
    async assemble(folder, _tools, { report }) {
      report.step(`copying ${files.length} files`);
      for (const file of files) await stageFile(file, folder, sourceDateEpoch);
    },
  };
}

async function stageFile(file: BootFile, folder: string, time: number): Promise<void> {
  const path = join(folder, file.name);
  await mkdir(dirname(path), { recursive: true });
  if ('text' in file) await writeFile(path, file.text, { mode: 0o600 });
  else await copyFile(file.source, path);
  await utimes(path, time, time);
  for (let parent = dirname(path); parent.length >= folder.length; parent = dirname(parent)) {
    await utimes(parent, time, time);
  }
}
