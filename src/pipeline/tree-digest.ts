import { createHash } from 'node:crypto';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSha256 } from '../host/file-digest.js';

/**
 * sha256 (hex) of everything in a folder that a copy of it would show: names, types, link targets, contents and,
 * with `modes: 'all'`, permission bits; with `'executable'` only whether the owner may execute a file, which is what
 * git keeps. Times and owners do not count.
 */
export async function treeDigest(folder: string, modes: 'all' | 'executable'): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
  for (const path of paths) {
    const full = join(folder, path);
    const status = await lstat(full);
    const kind = status.isDirectory() ? 'd' : status.isSymbolicLink() ? 'l' : status.isFile() ? 'f' : 'o';
    const mode = modes === 'all' ? status.mode & 0o7777 : kind === 'f' ? status.mode & 0o100 : 0;
    hash.update(`${kind}\0${mode}\0${path}\0`);
    if (kind === 'l') hash.update(await readlink(full));
    if (kind === 'f') hash.update(await fileSha256(full));
  }
  return hash.digest('hex');
}
