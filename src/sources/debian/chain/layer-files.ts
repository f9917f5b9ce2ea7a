import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlacedEntry, TarEntry, TarTree } from '../../../formats/tar/tar-tree.js';
import { readTarTree } from '../../../formats/tar/tar-tree.js';
import { applyLayer, treeDifference } from '../../../formats/tar/tree-difference.js';
import { writeLayer } from '../../../formats/tar/write-layer.js';
import type { TreeContent } from '../../../model/tree-content.js';
import { measureTree } from '../../../model/tree-content.js';
import { readOwners } from '../rootfs/owners.js';

/** What a layer has, by path (one character for each byte), and what of the layers below it is gone. */
export type LayerContent = {
  readonly entries: TarTree;
  readonly removed: readonly string[];
  readonly counts: LayerCounts;
};

/** How many paths are new, different and gone. */
export type LayerCounts = { readonly added: number; readonly changed: number; readonly removed: number };

/** A layer as a tar archive of what differs from the layers below it. */
export type ChainLayerTree = {
  readonly name: string;
  readonly key: string;
  /** With whiteouts (character devices 0/0) for paths that are gone. */
  readonly tar: string;
  readonly tarBytes: number;
  /** Paths that must be cleared before it is unpacked over those below, each with a NUL behind it. */
  readonly clearedList: string;
  /** Its whiteouts, as tar takes names to leave out: a line each. */
  readonly whiteoutList: string;
  content(): Promise<LayerContent>;
  /** Which package brings which path, of all up to this layer; undefined where it brought none. */
  owners(): Promise<ReadonlyMap<string, string> | undefined>;
};

const FILES = { tar: 'layer.tar', cleared: 'cleared', whiteouts: 'whiteouts', content: 'content.json' };
export const OWNERS = 'owners.txt';

/**
 * Writes the layer that makes the tree `below` the one that is packed in `tar`.
 *
 * @param kept paths of the tree that are as they were below, and therefore not in the archive
 * @param scaffold links, and folders with what is in them before them, that are none of the layer's while nothing is in them
 */
export async function writeLayerFiles(
  tar: string,
  below: TarTree,
  { time, scaffold = [], kept = [] }: LayerOptions,
  out: string,
): Promise<void> {
  const packed = withoutScaffold(await readTarTree(tar), scaffold);
  const above = new Map([...keptEntries(kept, below), ...packed.map(({ path, entry }) => [path, entry] as const)]);
  const { present, changed, removed } = treeDifference(below, above);
  const wanted = new Set(present);
  const entries = packed.filter(({ path }) => wanted.has(path));
  await writeLayer(tar, entries, removed, time, join(out, FILES.tar));
  const retyped = changed.filter((path) => below.has(path) && below.get(path)?.type !== above.get(path)?.type);
  const cleared = [...removed, ...retyped].sort().map((path) => `/mnt/${path}\0`);
  await writeFile(join(out, FILES.cleared), cleared.join(''), 'latin1');
  await writeFile(join(out, FILES.whiteouts), removed.map((path) => `./${path}\n`).join(''), 'latin1');
  const added = changed.filter((path) => !below.has(path)).length;
  const counts: LayerCounts = { added, changed: changed.length - added, removed: removed.length };
  await writeFile(join(out, FILES.content), JSON.stringify({ entries: recorded(entries), removed, counts }));
}

export async function openLayerFiles(name: string, key: string, path: string): Promise<ChainLayerTree> {
  const tar = join(path, FILES.tar);
  const { size } = await stat(tar);
  return {
    name,
    key,
    tar,
    tarBytes: size,
    clearedList: join(path, FILES.cleared),
    whiteoutList: join(path, FILES.whiteouts),
    content: async () => {
      const text = await readFile(join(path, FILES.content), 'utf8');
      const { entries, ...rest } = JSON.parse(text) as Omit<LayerContent, 'entries'> & {
        readonly entries: readonly [string, TarEntry][];
      };
      return { entries: new Map(entries), ...rest };
    },
    owners: () => readOwners(path).catch(() => undefined),
  };
}

type LayerOptions = {
  /** Seconds since 1970: no time in the layer is later. */
  readonly time: number;
  readonly scaffold?: readonly string[];
  readonly kept?: readonly string[];
};

function keptEntries(paths: readonly string[], below: TarTree): readonly (readonly [string, TarEntry])[] {
  return paths.map((path) => {
    const entry = below.get(path);
    if (entry === undefined) throw new TypeError(`${path} is new and was not packed`);
    return [path, entry] as const;
  });
}

function withoutScaffold(packed: readonly PlacedEntry[], scaffold: readonly string[]): readonly PlacedEntry[] {
  return scaffold.reduce((kept, path) => {
    const isUsed = kept.some((one) => one.path.startsWith(`${path}/`));
    return isUsed ? kept : kept.filter((one) => one.path !== path);
  }, packed);
}

function recorded(entries: readonly PlacedEntry[]): readonly [string, TarEntry][] {
  return entries.map(({ path, entry }) => [path, entry]);
}

/** The tree that layers make over each other, the lowest first. */
export async function mergedTree(layers: readonly ChainLayerTree[]): Promise<TarTree> {
  let tree: TarTree = new Map();
  for (const layer of layers) tree = applyLayer(tree, await layer.content());
  return tree;
}

/** What a tree takes, whatever file system it goes to. */
export function contentOf(tree: TarTree): TreeContent {
  const seen = new Set<string>();
  const kinds: Readonly<Record<string, 'file' | 'folder' | 'link'>> = { '0': 'file', '5': 'folder', '2': 'link' };
  return measureTree(
    [...tree.values()].flatMap(({ type, sizeBytes = 0, link = '', inode }) => {
      if (inode !== undefined && seen.has(inode)) return [];
      if (inode !== undefined) seen.add(inode);
      return [{ type: kinds[type] ?? 'other', sizeBytes: type === '2' ? link.length : sizeBytes }];
    }),
  );
}
