import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Board } from '../../model/board.js';
import type { FragmentFile } from './fragments.js';
import { UserError } from '../../errors.js';
import type { DtboSource } from './device-tree-overlays.js';
import type { KernelPatch } from './kernel-build.js';

export async function readFragments(board: Pick<Board, 'kernel'>): Promise<readonly FragmentFile[]> {
  return Promise.all(
    board.kernel.fragments.map(async ({ path }) => ({ file: path, text: await readFile(path, 'utf8') })),
  );
}

/**
 * The board's patches: files, and what ends in .patch or .diff in folders, by name. Throws UserError
 * `kernel-patch-not-found` for a folder without any.
 */
export async function readPatches(board: Pick<Board, 'kernel'>): Promise<readonly KernelPatch[]> {
  const lists = await Promise.all(board.kernel.patches.map(patchFiles));
  return Promise.all(lists.flat().map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
}

async function patchFiles(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.(patch|diff)$/.test(name)).sort();
  if (names.length > 0) return names.map((name) => join(path, name));
  throw new UserError('kernel-patch-not-found', `The folder ${path} holds no kernel patch`, {
    hints: ['Patches end in .patch or .diff.'],
  });
}

export async function readDeviceTreeOverlays(board: Pick<Board, 'deviceTreeOverlays'>): Promise<readonly DtboSource[]> {
  return Promise.all(
    board.deviceTreeOverlays.map(async ({ name, path }) => ({ name, file: path, text: await readFile(path, 'utf8') })),
  );
}
