import type { FileEntry, FileKind } from '../file-system/file-entry.js';
import { normalPath } from '../file-system/file-entry.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem } from '../file-system/file-system.js';

/** What `unsquashfs -pf` writes: a line for each name, then the content of all files. */
export type PseudoFile = {
  readonly entries: readonly FileEntry[];
  /** By the entry's id, where its content begins in the file. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Names of extended attributes, and of what they are. */
  readonly attributes: readonly { readonly path: string; readonly name: string }[];
};

const START_OF_DATA = Buffer.from('#\n# START OF DATA - DO NOT MODIFY\n#\n');

/** How long the lines are, in what is read of the file's beginning; undefined where more has to be read. */
export function endOfDefinitions(start: Buffer): number | undefined {
  const at = start.indexOf(START_OF_DATA);
  return at < 0 ? undefined : at + START_OF_DATA.length;
}

/**
 * Names, owners and modes, and where the contents are. Throws DamagedFileSystem for a line that it does not know.
 *
 * @param start of the file, at least up to `endOfDefinitions`
 */
export function parsePseudoFile(start: Buffer): PseudoFile {
  const dataAt = endOfDefinitions(start) ?? start.length;
  const entries: FileEntry[] = [];
  const byPath = new Map<string, FileEntry>();
  const offsets = new Map<number, number>();
  const attributes: { path: string; name: string }[] = [];
  for (const { name, rest } of linesOf(start.subarray(0, dataAt))) {
    const path = normalPath(name);
    const [type = '', ...words] = rest.split(' ');
    // An extended attribute of the line before.
    if (type === 'x') {
      attributes.push({ path, name: words.join(' ').split('=')[0] ?? '' });
      continue;
    }
    if (type === 'L') {
      const first = byPath.get(normalPath(words.join(' ').replaceAll(/\\(.)/gs, '$1')));
      if (first === undefined) throw new DamagedFileSystem(`${path} is a link to nothing`);
      entries.push({ ...first, path });
      continue;
    }
    const id = entries.length + 1;
    const { entry, offsetBytes } = entryOf(path, type, words, id);
    byPath.set(path, entry);
    entries.push(entry);
    if (offsetBytes !== undefined) offsets.set(id, dataAt + offsetBytes);
  }
  return { entries: withLinkCounts(entries), offsets, attributes };
}

function entryOf(
  path: string,
  type: string,
  words: readonly string[],
  id: number,
): { readonly entry: FileEntry; readonly offsetBytes?: number } {
  const [time = '', mode = '', uid = '', gid = '', ...more] = words;
  const kind = kindOf(type, more);
  const numbers = [time, uid, gid, ...(kind === 'file' ? more.slice(0, 2) : [])].map(Number);
  if (kind === undefined || numbers.some((number) => !Number.isFinite(number))) {
    throw new DamagedFileSystem(`unsquashfs says of ${path} what is not understood: ${type} ${words.join(' ')}`);
  }
  const sizeBytes = kind === 'file' ? Number(more[0]) : 0;
  const entry: FileEntry = {
    path,
    kind,
    sizeBytes,
    diskBytes: sizeBytes,
    modifiedSeconds: Number(time),
    owner: { mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid) },
    links: 1,
    id,
    ...(kind === 'link' ? { target: more.join(' ') } : {}),
  };
  return kind === 'file' ? { entry, offsetBytes: Number(more[1]) } : { entry };
}

const KINDS: Readonly<Record<string, FileKind>> = {
  D: 'folder',
  R: 'file',
  S: 'link',
  B: 'block-device',
  C: 'character-device',
};

function kindOf(type: string, [what]: readonly string[]): FileKind | undefined {
  return type === 'I' ? (what === 's' ? 'socket' : 'fifo') : KINDS[type];
}

/** Further names carry the count of their file. */
function withLinkCounts(entries: readonly FileEntry[]): readonly FileEntry[] {
  const links = new Map<number, number>();
  for (const { id } of entries) links.set(id, (links.get(id) ?? 0) + 1);
  return entries.map((entry) => ({ ...entry, links: links.get(entry.id) ?? 1 }));
}

/** A name's white space and backslashes have a backslash before them, line ends too. */
function* linesOf(bytes: Buffer): Iterable<{ readonly name: string; readonly rest: string }> {
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0x23) {
      at = endOfLine(bytes, at) + 1;
      continue;
    }
    const name: number[] = [];
    for (; at < bytes.length && bytes[at] !== 0x20; at += 1) {
      if (bytes[at] === 0x5c) at += 1;
      name.push(bytes[at] ?? 0);
    }
    const end = endOfLine(bytes, at);
    yield { name: nameOfBytes(Uint8Array.from(name)), rest: nameOfBytes(bytes.subarray(at + 1, end)) };
    at = end + 1;
  }
}

function endOfLine(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(0x0a, from);
  return at < 0 ? bytes.length : at;
}
