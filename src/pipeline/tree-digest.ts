import { createHash } from 'node:crypto';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { fileSha256 } from '../host/file-digest.js';

/**
 * sha256 (hex) of everything in a folder that a copy of it would show: names, types, link targets, contents and,
 * with `modes: 'all'`, permission bits and which files are links to one; with `'scripts'` only whether a file is a
 * script. Times and owners do not count.
 * Names are bytes: not all of them are UTF-8.
 */
export async function treeDigest(folder: string, modes: 'all' | 'scripts'): Promise<string> {
  const hash = createHash('sha256');
  const root = Buffer.from(folder);
  const linked = new Map<string, Buffer>();
  for (const path of (await pathsBelow(root)).sort((a, b) => a.compare(b))) {
    const full = joined(root, path);
    const status = await lstat(full);
    const kind = status.isDirectory() ? 'd' : status.isSymbolicLink() ? 'l' : status.isFile() ? 'f' : 'o';
    const mode = modes === 'all' ? status.mode & 0o7777 : kind === 'f' && (await isScript(full)) ? 0o100 : 0;
    hash.update(`${kind}\0${mode}\0`).update(path).update('\0');
    if (kind === 'l') hash.update(await readlink(full, { encoding: 'buffer' }));
    if (kind === 'f') hash.update(await fileSha256(full));
    if (modes !== 'all' || kind !== 'f' || status.nlink < 2) continue;
    const inode = `${status.dev} ${status.ino}`;
    const first = linked.get(inode);
    // A name outside the folder does not count.
    if (first === undefined) linked.set(inode, path);
    else hash.update('\0=').update(first);
  }
  return hash.digest('hex');
}

/**
 * The scripts in a folder: relative paths of the files that begin with `#!`. A checkout on a file system without modes,
 * or a copy that lost them, says nothing of what is a program.
 */
export async function scriptsIn(folder: string): Promise<readonly string[]> {
  const root = Buffer.from(folder);
  const scripts: string[] = [];
  for (const path of await pathsBelow(root)) {
    const full = joined(root, path);
    if ((await lstat(full)).isFile() && (await isScript(full))) scripts.push(path.toString());
  }
  return scripts.sort();
}

async function isScript(path: Buffer): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString('latin1', 0, bytesRead) === '#!';
  } finally {
    await file.close();
  }
}

/** Without the folder's own. */
async function pathsBelow(folder: Buffer): Promise<Buffer[]> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
  const found = await Promise.all(
    entries.map(async (entry) => {
      // The types of Node 20 call it a string all the same.
      const name = entry.name as unknown as Buffer;
      const below = entry.isDirectory() ? await pathsBelow(joined(folder, name)) : [];
      return [name, ...below.map((path) => joined(name, path))];
    }),
  );
  return found.flat();
}

function joined(folder: Buffer, path: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), path]);
}
