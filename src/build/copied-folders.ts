import { kindOf } from '../config/present.js';
import type { Layer } from '../model/image-spec.js';
import { scriptsIn, treeDigest } from '../pipeline/tree-digest.js';
import type { CopiedFolder } from '../sources/copy-folder.js';

/** Folders of layers, then those of the user, in the order in which they are copied, with what stands for their bytes. */
export async function copiedFolders(
  layers: readonly Layer[],
  overlays: readonly string[],
): Promise<readonly CopiedFolder[]> {
  const ours = await Promise.all(layers.flatMap(({ files }) => files ?? []).map(ownFolder));
  // One that is not there is refused by whoever read its name.
  const there = await Promise.all(overlays.map(async (path) => ((await kindOf(path)) === 'folder' ? [path] : [])));
  const theirs = await Promise.all(there.flat().map(theirFolder));
  return [...ours, ...theirs];
}

/** Of the project: the modes of a checkout say nothing. */
async function ownFolder(path: string): Promise<CopiedFolder> {
  const digest = await treeDigest(path, 'scripts');
  return { path, normaliseModes: true, digest, programs: await scriptsIn(path) };
}

async function theirFolder(path: string): Promise<CopiedFolder> {
  return { path, normaliseModes: false, digest: await treeDigest(path, 'all') };
}
