import type { FileEntry } from './file-entry.js';
import { baseName, parentOf } from './file-entry.js';
import type { FileSystem, FileSystemFacts } from './file-system.js';
import { DamagedFileSystem, UnreadFileSystem } from './file-system.js';

/** Most names that are taken into memory: more is no root of a small system, and may be an attack. */
export const MOST_NAMES = 2_000_000;

/**
 * A file system whose names were all read already: those of archives, which have no folders to walk.
 *
 * @param entries the root "/" among them; folders that are only named by what lies in them are added
 */
export function treeFileSystem(
  facts: FileSystemFacts,
  entries: readonly FileEntry[],
  content: (file: FileEntry) => AsyncIterable<Uint8Array>,
): FileSystem {
  const byFolder = new Map<string, FileEntry[]>();
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  let nextId = entries.reduce((most, { id }) => Math.max(most, id), 0) + 1;
  const folderAt = (path: string): FileEntry => {
    const known = byPath.get(path);
    if (known?.kind === 'folder') return known;
    if (known !== undefined) throw new DamagedFileSystem(`${path} has entries below it and is a ${known.kind}`);
    const folder = impliedFolder(path, nextId);
    nextId += 1;
    byPath.set(path, folder);
    place(folder);
    return folder;
  };
  const place = (entry: FileEntry): void => {
    if (entry.path === '/') return;
    const folder = folderAt(parentOf(entry.path)).path;
    const siblings = byFolder.get(folder);
    if (siblings === undefined) byFolder.set(folder, [entry]);
    else siblings.push(entry);
  };
  for (const entry of entries) place(entry);
  return {
    facts,
    ignoresCase: false,
    root: () => Promise.resolve(folderAt('/')),
    children: (folder) =>
      Promise.resolve(
        (byFolder.get(folder.path) ?? []).map((entry) => ({
          name: baseName(entry.path),
          entry: () => Promise.resolve(entry),
        })),
      ),
    content,
    places: () => Promise.reject(new UnreadFileSystem(`${facts.kind}, which cannot be changed in place`)),
  };
}

function impliedFolder(path: string, id: number): FileEntry {
  const owner = { mode: 0o755, uid: 0, gid: 0 };
  return { path, kind: 'folder', sizeBytes: 0, diskBytes: 0, modifiedSeconds: 0, owner, links: 1, id };
}

/** `kind` and permission bits of a Unix mode. Throws DamagedFileSystem for a type that there is not. */
export function kindOfMode(mode: number): FileEntry['kind'] {
  const kind = KINDS[mode >> 12];
  if (kind === undefined) throw new DamagedFileSystem(`an entry has the impossible mode 0${mode.toString(8)}`);
  return kind;
}

const KINDS: Readonly<Record<number, FileEntry['kind']>> = {
  1: 'fifo',
  2: 'character-device',
  4: 'folder',
  6: 'block-device',
  8: 'file',
  10: 'link',
  12: 'socket',
};
