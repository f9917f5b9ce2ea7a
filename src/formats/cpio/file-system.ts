import type { ReadAt } from '../../model/read-at.js';
import type { FileEntry } from '../file-system/file-entry.js';
import { normalPath } from '../file-system/file-entry.js';
import { nameOfBytes } from '../file-system/file-name.js';
import { DamagedFileSystem, type FileSystem } from '../file-system/file-system.js';
import { PIECE_BYTES } from '../file-system/file-system-reader.js';
import { kindOfMode, treeFileSystem } from '../file-system/tree-file-system.js';
import type { CpioEntry } from './archive.js';

/** Entries of one archive of an initramfs, and what their offsets count in. */
export type CpioArchive = { readonly read: ReadAt; readonly entries: readonly CpioEntry[] };

type Data = { readonly read: ReadAt; readonly offsetBytes: number; readonly sizeBytes: number };

/**
 * The root that the kernel makes of archives, one unpacked over the other: of two entries of one name the later one
 * counts. Hard links have their content at one of their names. Throws DamagedFileSystem.
 *
 * @param sizeBytes of all archives together, unpacked
 */
export async function cpioFileSystem(archives: readonly CpioArchive[], sizeBytes: number): Promise<FileSystem> {
  const found = new Map<string, FileEntry>();
  const contents = new Map<number, Data>();
  let nextId = 1;
  for (const { read, entries } of archives) {
    const groups = new Map<string, { readonly id: number; readonly sizeBytes: number }>();
    for (const [key, link] of hardLinks(entries)) {
      groups.set(key, { id: nextId, sizeBytes: link.sizeBytes });
      contents.set(nextId, { read, offsetBytes: link.offsetBytes, sizeBytes: link.sizeBytes });
      nextId += 1;
    }
    for (const entry of entries) {
      const path = pathOf(entry);
      const kind = kindOfMode(entry.mode);
      const group = kind === 'file' && entry.links > 1 ? groups.get(entry.inode) : undefined;
      const id = group?.id ?? nextId;
      if (group === undefined) {
        contents.set(id, { read, offsetBytes: entry.offsetBytes, sizeBytes: entry.sizeBytes });
        nextId += 1;
      }
      const bytes = kind === 'file' ? (group?.sizeBytes ?? entry.sizeBytes) : 0;
      const target = kind === 'link' ? { target: nameOfBytes(await read(entry.offsetBytes, entry.sizeBytes)) } : {};
      found.set(path, {
        path,
        kind,
        sizeBytes: kind === 'link' ? entry.sizeBytes : bytes,
        diskBytes: bytes,
        modifiedSeconds: entry.modifiedSeconds,
        owner: { mode: entry.mode & 0o7777, uid: entry.uid, gid: entry.gid },
        links: kind === 'folder' ? 1 : entry.links,
        id,
        ...target,
      });
    }
  }
  const facts = { kind: 'cpio', label: '', uuid: '', sizeBytes, freeBytes: 0, dirty: false } as const;
  return treeFileSystem(facts, [...found.values()], ({ id }) => pieces(contents.get(id)));
}

/** Of each group of names the entry that has the content. */
function hardLinks(entries: readonly CpioEntry[]): ReadonlyMap<string, CpioEntry> {
  const groups = new Map<string, CpioEntry>();
  for (const entry of entries) {
    if (entry.links < 2 || kindOfMode(entry.mode) !== 'file') continue;
    const known = groups.get(entry.inode);
    if (known === undefined || entry.sizeBytes > 0) groups.set(entry.inode, entry);
  }
  return groups;
}

/** ".." would lead out of the root, or to another entry than is written. */
function pathOf({ name }: CpioEntry): string {
  if (name.split('/').includes('..')) throw new DamagedFileSystem(`an entry has the impossible name "${name}"`);
  return normalPath(name);
}

async function* pieces(data: Data | undefined): AsyncIterable<Uint8Array> {
  if (data === undefined) return;
  const { read, offsetBytes, sizeBytes } = data;
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const bytes = await read(offsetBytes + at, Math.min(PIECE_BYTES, sizeBytes - at));
    if (bytes.length === 0) throw new DamagedFileSystem('it ends inside of the file');
    yield bytes;
  }
}
