import { readdir, stat } from 'node:fs/promises';
import { dirname, join, parse, resolve } from 'node:path';
import * as z from 'zod';
import type { Board } from '../../model/board.js';
import type { Problem } from '../../errors.js';
import { readBoardLayers, type BoardLayers } from './board-layers.js';
import { checkBoardRules } from './board-rules.js';
import { boardSchema, type BoardDefinition } from './board-schema.js';
import {
  DEVICE_TREE_OVERLAYS_PATH,
  FRAGMENTS_PATH,
  OVERLAY_PATH,
  PATCHES_PATH,
  resolveBoard,
  type ResolvePath,
} from './resolve-board.js';
import { resolveSoftware } from '../software/software.js';
import { didYouMean } from '../wording.js';
import type { Path, YamlSource } from '../yaml-source.js';
import { problemsFromZod } from '../zod-problems.js';

export type LoadedBoard = {
  readonly board: Board;
  /** The board as its files say it, merged and with defaults: what a file without `extends` would hold. */
  readonly definition: BoardDefinition;
  /** The board's file and the ones that it extends, nearest first. */
  readonly files: readonly string[];
};

export type BoardCheck =
  | { readonly loaded: LoadedBoard; readonly problems: readonly [] }
  | { readonly loaded?: undefined; readonly problems: readonly Problem[] };

/**
 * Reads a board file, merges what it extends and checks all of it. `boardsDir` holds the shipped boards, `families/`
 * and `kernel/`. Codes: those of `readBoardLayers`, `problemsFromZod` and `checkBoardRules`, `board-id-inherited`,
 * `kernel-fragment-not-found`, `overlay-not-found`, and those of `resolveSoftware`.
 */
export async function checkBoard(file: string, boardsDir: string): Promise<BoardCheck> {
  const { layers, problems } = await readBoardLayers(file, boardsDir);
  if (layers === undefined) return { problems };
  const parsed = boardSchema.safeParse(layers.value, { reportInput: true });
  if (!parsed.success) return { problems: schemaProblems(parsed.error, layers).sort(byPlace) };

  const definition = parsed.data;
  const resolvePath = pathResolver(layers, boardsDir);
  const locate = (path: Path) => placeOf(layers, path);
  const { software, problems: ofSoftware } = await resolveSoftware(definition.software, { resolvePath, locate });
  const listed = definition.kernel.fragments.length;
  const board = await withoutUnknownSeries(resolveBoard(definition, resolvePath, { software, locate }), listed);
  const found: Problem[] = [
    ...inheritedId(layers, definition.id),
    ...checkBoardRules(definition).map(({ path, ...problem }) => ({ ...problem, ...placeOf(layers, path) })),
    ...(await missingFragments(board, layers, boardsDir, listed)),
    ...(await missingOverlays(board, layers)),
    ...ofSoftware,
    ...(await missingPatches(board, layers)),
    ...(await missingDeviceTreeOverlays(board, layers, boardsDir)),
  ];
  if (found.length > 0) return { problems: found.sort(byPlace) };
  return { loaded: { board, definition, files: layers.sources.map((source) => source.file) }, problems: [] };
}

/** As a person works through the files. */
function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return (a.file ?? '') < (b.file ?? '') ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** Each issue is shown in the file that it comes from: a family's mistake is not the board's. */
function schemaProblems(error: z.ZodError, layers: BoardLayers): Problem[] {
  const issues = error.issues.flatMap((issue): z.core.$ZodIssue[] =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ ...issue, keys: [key] })) : [issue],
  );
  const bySource = new Map<YamlSource, z.core.$ZodIssue[]>();
  for (const issue of issues) {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
    const source = layers.sourceOf(path.filter((part) => typeof part !== 'symbol'));
    bySource.set(source, [...(bySource.get(source) ?? []), issue]);
  }
  return [...bySource].flatMap(([source, own]) =>
    problemsFromZod(new z.ZodError(own), source, source.file, { schema: boardSchema }),
  );
}

/** Two boards of one id would share disk ids, and with them root=PARTUUID=…: the wrong card could be booted. */
function inheritedId(layers: BoardLayers, id: string): Problem[] {
  const [own, ...others] = layers.sources;
  if (others.length === 0 || layers.sourceOf(['id']) === own) return [];
  return [
    {
      code: 'board-id-inherited',
      message: `this board has no id of its own; "${id}" belongs to the board that it extends`,
      hint: 'Add "id: my-board".',
      file: own.file,
      line: 1,
      column: 1,
    },
  ];
}

function pathResolver(layers: BoardLayers, boardsDir: string): ResolvePath {
  return (written, at) => {
    if (at === FRAGMENTS_PATH && !isPath(written)) return join(boardsDir, 'kernel', `${written}.config`);
    if (at === DEVICE_TREE_OVERLAYS_PATH && !isPath(written)) return join(boardsDir, 'overlays', `${written}.dtso`);
    return resolve(dirname(layers.sourceOf(at).file), written);
  };
}

function isPath(fragment: string): boolean {
  return /^\.{0,2}\//.test(fragment);
}

/** Not every series of kernels has options of its own. */
async function withoutUnknownSeries(board: Board, listed: number): Promise<Board> {
  const own = board.kernel.fragments.slice(-listed);
  const derived = board.kernel.fragments.slice(0, -listed);
  const present = await Promise.all(derived.map(async ({ path }) => (await kindOf(path)) === 'file'));
  const fragments = [...derived.filter((_, index) => present[index]), ...own];
  return { ...board, kernel: { ...board.kernel, fragments } };
}

/** @param listed how many of the fragments the board's files name; the others come by themselves, before them */
async function missingFragments(
  board: Board,
  layers: BoardLayers,
  boardsDir: string,
  listed: number,
): Promise<Problem[]> {
  const missing: Problem[] = [];
  for (const [index, { name, path }] of board.kernel.fragments.slice(-listed).entries()) {
    if ((await kindOf(path)) === 'file') continue;
    const hint = isPath(name)
      ? 'Check the path; it begins at this file.'
      : didYouMean(name, await namesIn(join(boardsDir, 'kernel'), '.config'));
    missing.push({
      code: 'kernel-fragment-not-found',
      message: `there is no kernel fragment ${name} (looked for ${path})`,
      ...(hint === undefined ? {} : { hint }),
      ...placeOf(layers, [...FRAGMENTS_PATH, index]),
    });
  }
  return missing;
}

async function namesIn(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries.filter((entry) => entry.endsWith(ending)).map((entry) => parse(entry).name);
}

async function missingOverlays(board: Board, layers: BoardLayers): Promise<Problem[]> {
  const missing: Problem[] = [];
  for (const [index, folder] of board.rootfs.overlays.entries()) {
    if ((await kindOf(folder)) === 'folder') continue;
    missing.push({
      code: 'overlay-not-found',
      message: `there is no overlay folder ${folder}`,
      hint: 'Check the path; it begins at this file.',
      ...placeOf(layers, [...OVERLAY_PATH, index]),
    });
  }
  return missing;
}

async function missingPatches(board: Board, layers: BoardLayers): Promise<Problem[]> {
  const missing: Problem[] = [];
  for (const [index, path] of board.kernel.patches.entries()) {
    if ((await kindOf(path)) !== undefined) continue;
    missing.push({
      code: 'kernel-patch-not-found',
      message: `there is no kernel patch or folder of patches ${path}`,
      hint: 'Check the path; it begins at this file.',
      ...placeOf(layers, [...PATCHES_PATH, index]),
    });
  }
  return missing;
}

async function missingDeviceTreeOverlays(board: Board, layers: BoardLayers, boardsDir: string): Promise<Problem[]> {
  const missing: Problem[] = [];
  for (const [index, { name, path }] of board.deviceTreeOverlays.entries()) {
    if ((await kindOf(path)) === 'file') continue;
    const hint = didYouMean(name, await namesIn(join(boardsDir, 'overlays'), '.dtso'));
    missing.push({
      code: 'device-tree-overlay-not-found',
      message: `there is no source of the device tree overlay ${name} (looked for ${path})`,
      ...(hint === undefined ? {} : { hint }),
      ...placeOf(layers, [...DEVICE_TREE_OVERLAYS_PATH, index]),
    });
  }
  return missing;
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() === true ? 'folder' : stats?.isFile() === true ? 'file' : undefined;
}

function placeOf(layers: BoardLayers, path: Path): { file: string; line: number; column: number } {
  const source = layers.sourceOf(path);
  return { file: source.file, ...source.locate(path) };
}
