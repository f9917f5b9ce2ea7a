import type { TarEntry, TarTree } from './tar-tree.js';

/** What a tree has beyond another one. */
export type TreeDifference = {
  /** Paths that are new or different, and the folders above them. */
  readonly present: readonly string[];
  /** Of those, the ones that are new or different themselves. */
  readonly changed: readonly string[];
  /** Paths of the tree below that are gone, the topmost of each branch. */
  readonly removed: readonly string[];
};

/**
 * What a layer must have so that the tree below with the layer over it is the tree above. Times do not count: else a
 * layer would have most folders. A file with hard links goes into it with all its names, or with none.
 */
export function treeDifference(below: TarTree, above: TarTree): TreeDifference {
  const linksBelow = linksOf(below);
  const linksAbove = linksOf(above);
  const changed = [...above.keys()].filter((path) => {
    const was = below.get(path);
    const is = above.get(path) as TarEntry;
    return was === undefined || !sameEntry(was, is) || linksBelow.get(path) !== linksAbove.get(path);
  });
  const present = new Set<string>();
  for (const path of changed) {
    for (let at = path; !present.has(at); at = parentOf(at)) {
      present.add(at);
      if (at === '') break;
    }
  }
  const removed = [...below.keys()].filter((path) => {
    return !above.has(path) && above.get(parentOf(path))?.type === '5';
  });
  // The archive needs the folder that everything is in, and what is above a removed path.
  present.add('');
  for (const path of removed) {
    for (let at = parentOf(path); !present.has(at); at = parentOf(at)) present.add(at);
  }
  return { present: [...present].sort(), changed: changed.sort(), removed: removed.sort() };
}

/** The tree that a layer makes of the one below it. */
export function applyLayer(
  below: TarTree,
  layer: { readonly entries: TarTree; readonly removed: readonly string[] },
): TarTree {
  const gone = new Set(layer.removed);
  for (const [path, entry] of layer.entries) {
    // Nothing of a folder shows below a file.
    if (entry.type !== '5' && below.get(path)?.type === '5') gone.add(path);
  }
  const result = new Map<string, TarEntry>();
  for (const [path, entry] of below) if (!isBelowAny(path, gone)) result.set(path, entry);
  for (const [path, entry] of layer.entries) result.set(path, entry);
  return result;
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

function isBelowAny(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  for (let at = path; at !== ''; at = parentOf(at)) if (folders.has(at)) return true;
  return false;
}

function sameEntry(a: TarEntry, b: TarEntry): boolean {
  return signature(a) === signature(b);
}

function signature({ type, mode, uid, gid, link, device, sizeBytes, sha256, xattrs }: TarEntry): string {
  const more = Object.entries(xattrs ?? {}).sort(([x], [y]) => (x < y ? -1 : 1));
  return JSON.stringify([type, mode, uid, gid, link, device, sizeBytes, sha256, more]);
}

/** By path of a file with hard links: all its names. */
function linksOf(tree: TarTree): ReadonlyMap<string, string> {
  const names = new Map<string, string[]>();
  for (const [path, { inode }] of tree) {
    if (inode !== undefined) names.set(inode, [...(names.get(inode) ?? []), path]);
  }
  const links = new Map<string, string>();
  for (const group of names.values()) for (const path of group) links.set(path, group.toSorted().join('\0'));
  return links;
}
