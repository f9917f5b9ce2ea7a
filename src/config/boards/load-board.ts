import { dirname, join, resolve } from 'node:path';
import type * as z from 'zod';
import type { Board } from '../../model/board.js';
import type { Problem } from '../../errors.js';
import { byPlace, chainProblems } from '../chain-problems.js';
import type { FileChain } from '../file-chain.js';
import { isMap, isPath, readFileChain } from '../file-chain.js';
import type { ImageStatements } from '../statements/statements.js';
import { statementsOfBoard } from '../statements/statements.js';
import { partitionMap } from '../schemas/partition-schema.js';
import type { PartitionShape, SaidPartition } from '../partitions/read-partitions.js';
import { partitionShape, partitionsOfMap, readPartitionList } from '../partitions/read-partitions.js';
import { readPackages } from '../packages/package-statements.js';
import { kindOf, namesIn } from '../present.js';
import { resolveSoftware } from '../software/software.js';
import { didYouMean } from '../wording.js';
import type { Path } from '../yaml-source.js';
import { boardKind } from '../schemas/board-kind.js';
import { checkBoardRules } from './board-rules.js';
import { boardSchema, type BoardDefinition } from '../schemas/board-schema.js';
import {
  DEVICE_TREE_OVERLAYS_PATH,
  FRAGMENTS_PATH,
  PATCHES_PATH,
  profilePath,
  resolveBoard,
  type ResolvePath,
} from './resolve-board.js';

export type BoardRead = {
  readonly board: Board;
  /** The board as its files say it, merged and with defaults: what a file without `extends` would hold. */
  readonly definition: BoardDefinition;
  /** What it says of the image beside its hardware, over its system. */
  readonly statements: ImageStatements;
  /** The board's file and the ones that it extends, nearest first. */
  readonly files: readonly string[];
};

export type BoardReadResult = {
  /** Undefined where the files cannot be read as a board; with problems it is as far as it goes. */
  readonly loaded?: BoardRead;
  readonly problems: readonly Problem[];
};

/**
 * Reads a board file, merges what it extends and checks it as far as that goes without a system. Codes: those of
 * `readFileChain`, `problemsFromZod`, `partitionShape`, `readPartitionList` and `checkBoardRules`, `board-id-inherited`,
 * `kernel-fragment-not-found`, `kernel-patch-not-found`, `device-tree-overlay-not-found`, and those of `resolveSoftware` and
 * `readPackages`.
 */
export async function readBoard(file: string, boardsDir: string): Promise<BoardReadResult> {
  const { chain, problems } = await readFileChain(file, boardKind(boardsDir));
  if (chain === undefined) return { problems };
  const { definition, partitions, problems: unreadable } = readDefinition(chain);
  if (definition === undefined || unreadable.length > 0) return { problems: [...unreadable].sort(byPlace) };

  const resolvePath = pathResolver(chain, boardsDir);
  const { software, problems: ofSoftware } = await resolveSoftware(definition.software ?? [], {
    resolvePath,
    locate: chain.locate,
  });
  const { packages, problems: ofPackages } = await readPackages(definition.rootfs ?? {}, chain, ['rootfs']);
  const listed = definition.kernel.fragments.length;
  const board = await withoutUnknownSeries(resolveBoard(definition, resolvePath), listed);
  const found: Problem[] = [
    ...inheritedId(chain, definition.id),
    ...checkBoardRules(definition).map(({ path, ...problem }) => ({ ...problem, ...chain.locate(path) })),
    ...(await missingFragments(listedFragments(board, listed), chain, boardsDir)),
    ...ofPackages,
    ...ofSoftware,
    ...(await missingPatches(board, chain)),
    ...(await missingDeviceTreeOverlays(board, chain, boardsDir)),
  ];
  const statements = statementsOfBoard(definition, chain, { packages, software, partitions });
  const files = chain.sources.map((source) => source.file);
  return { loaded: { board, definition, statements, files }, problems: found.sort(byPlace) };
}

type Definition = {
  readonly definition?: BoardDefinition;
  readonly partitions: readonly SaidPartition[];
  readonly problems: readonly Problem[];
};

/** Partitions that are lists are merged by name, so each file's are held against the schema by themselves. */
function readDefinition(chain: FileChain): Definition {
  const { shape, problems: ofShape } = partitionShape(chain);
  if (ofShape.length > 0) return { partitions: [], problems: ofShape };
  const schema = boardSchema.extend({ partitions: partitionMap.optional() });
  const parsed = schema.safeParse(shape === 'list' ? withoutPartitions(chain.value) : chain.value, {
    reportInput: true,
  });
  const list = shape === 'list' ? readPartitionList(chain) : { partitions: [], problems: [] };
  const ofSchema = parsed.success ? [] : chainProblems(parsed.error, chain, schema);
  const problems = [...ofSchema, ...list.problems];
  if (!parsed.success) return { partitions: [], problems };
  return { ...withPartitions(parsed.data, shape, list.partitions, chain), problems };
}

function withPartitions(
  definition: z.output<typeof boardSchema> & { partitions?: z.output<typeof partitionMap> | undefined },
  shape: PartitionShape,
  listed: readonly SaidPartition[],
  chain: FileChain,
): Omit<Definition, 'problems'> {
  const map = definition.partitions;
  if (shape === 'map' && map !== undefined) return { definition, partitions: partitionsOfMap(map, chain) };
  if (shape === 'none') return { definition, partitions: [] };
  return {
    definition: { ...definition, partitions: listed.map(({ said, name }) => ({ ...said, name })) },
    partitions: listed,
  };
}

function withoutPartitions(value: unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'partitions')) : value;
}

/** Two boards of one id would share disk ids, and with them root=PARTUUID=…: the wrong card could be booted. */
function inheritedId(chain: FileChain, id: string): Problem[] {
  const [own, ...others] = chain.sources;
  if (others.length === 0 || chain.sourceOf(['id']) === own) return [];
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

function pathResolver(chain: FileChain, boardsDir: string): ResolvePath {
  return (written, at) => {
    if (['fragments', 'adds'].includes(at.at(-1) as string) && !isPath(written)) return join(boardsDir, 'kernel', `${written}.config`);
    if (at === DEVICE_TREE_OVERLAYS_PATH && !isPath(written)) return join(boardsDir, 'overlays', `${written}.dtso`);
    return resolve(dirname(chain.sourceOf(at).file), written);
  };
}

/** Not every series of kernels has options of its own. */
async function withoutUnknownSeries(board: Board, listed: number): Promise<Board> {
  const own = board.kernel.fragments.slice(-listed);
  const derived = board.kernel.fragments.slice(0, -listed);
  const present = await Promise.all(derived.map(async ({ path }) => (await kindOf(path)) === 'file'));
  const fragments = [...derived.filter((_, index) => present[index]), ...own];
  return { ...board, kernel: { ...board.kernel, fragments } };
}

type Listed = { readonly name: string; readonly path: string; readonly at: Path };

/**
 * The fragments that the board's files name, with where.
 * @param listed how many they are of the board's own kernel; the others come by themselves, before them
 */
function listedFragments({ kernel }: Board, listed: number): readonly Listed[] {
  const lists = [
    { at: FRAGMENTS_PATH, fragments: kernel.fragments.slice(-listed) },
    ...Object.entries(kernel.profiles).map(([name, { fragments, addsToOwn }]) => ({
      at: profilePath(name, addsToOwn ? 'adds' : 'fragments'),
      fragments,
    })),
  ];
  return lists.flatMap(({ at, fragments }) => fragments.map((one, index) => ({ ...one, at: [...at, index] })));
}

async function missingFragments(fragments: readonly Listed[], chain: FileChain, boardsDir: string): Promise<Problem[]> {
  const missing: Problem[] = [];
  for (const { name, path, at } of fragments) {
    if ((await kindOf(path)) === 'file') continue;
    const hint = isPath(name)
      ? 'Check the path; it begins at this file.'
      : didYouMean(name, await namesIn(join(boardsDir, 'kernel'), '.config'));
    missing.push({
      code: 'kernel-fragment-not-found',
      message: `there is no kernel fragment ${name} (looked for ${path})`,
      ...(hint === undefined ? {} : { hint }),
      ...chain.locate(at),
    });
  }
  return missing;
}

async function missingPatches(board: Board, chain: FileChain): Promise<Problem[]> {
  const lists = [
    { at: PATCHES_PATH, patches: board.kernel.patches },
    ...Object.entries(board.kernel.profiles).map(([name, { patches }]) => ({
      at: profilePath(name, 'patches'),
      patches,
    })),
  ];
  const missing: Problem[] = [];
  for (const { at, path } of lists.flatMap(({ at, patches }) =>
    patches.map((path, index) => ({ at: [...at, index], path })),
  )) {
    if ((await kindOf(path)) !== undefined) continue;
    missing.push({
      code: 'kernel-patch-not-found',
      message: `there is no kernel patch or folder of patches ${path}`,
      hint: 'Check the path; it begins at this file.',
      ...chain.locate(at),
    });
  }
  return missing;
}

async function missingDeviceTreeOverlays(board: Board, chain: FileChain, boardsDir: string): Promise<Problem[]> {
  const missing: Problem[] = [];
  for (const [index, { name, path }] of board.deviceTreeOverlays.entries()) {
    if ((await kindOf(path)) === 'file') continue;
    const hint = didYouMean(name, await namesIn(join(boardsDir, 'overlays'), '.dtso'));
    missing.push({
      code: 'device-tree-overlay-not-found',
      message: `there is no source of the device tree overlay ${name} (looked for ${path})`,
      ...(hint === undefined ? {} : { hint }),
      ...chain.locate([...DEVICE_TREE_OVERLAYS_PATH, index]),
    });
  }
  return missing;
}
