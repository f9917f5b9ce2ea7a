import { ReswarmError } from '../../errors.js';
import type { FileEntry } from './file-entry.js';
import { joinPath, normalPath } from './file-entry.js';
import type { Child, DataPlace, FileSystem, FileSystemFacts } from './file-system.js';
import { DamagedFileSystem, UnreadFileSystem } from './file-system.js';
import type { ReadAt } from '../../model/read-at.js';

/** Linux gives up after as many (MAXSYMLINKS). */
const MOST_LINKS = 40;

/**
 * A file system that is read where it is: nothing is mounted, nothing is written. Everything throws ReswarmError
 * `file-system-corrupt` for bytes that cannot be right and `file-system-not-read` for what is not understood here.
 */
export class FileSystemReader {
  /** @param name what to call the partition when something is wrong */
  constructor(
    private readonly source: FileSystem,
    private readonly name: string,
  ) {}

  get facts(): FileSystemFacts {
    return this.source.facts;
  }

  /** Every name, folders before what is in them; the root "/" first. */
  async entries(): Promise<readonly FileEntry[]> {
    return this.guarded(async () => {
      const found: FileEntry[] = [await this.source.root()];
      const seen = new Set<number>();
      // A list that grows while it is walked.
      for (const folder of found) {
        if (folder.kind !== 'folder') continue;
        if (seen.has(folder.id)) throw new DamagedFileSystem(`the folder ${folder.path} is there twice`);
        seen.add(folder.id);
        for (const child of await this.children(folder)) found.push(await child.entry());
      }
      return found;
    });
  }

  /** What is at a path, links followed; undefined when nothing is. */
  async find(path: string): Promise<FileEntry | undefined> {
    return this.guarded(() => this.walk(path));
  }

  /** What is in a folder; undefined where there is none. */
  async list(path: string): Promise<readonly FileEntry[] | undefined> {
    return this.guarded(async () => {
      const folder = await this.walk(path);
      if (folder?.kind !== 'folder') return undefined;
      return Promise.all((await this.children(folder)).map((child) => child.entry()));
    });
  }

  /** All bytes of a file, links followed; undefined where there is none. */
  async readFile(path: string): Promise<Buffer | undefined> {
    const entry = await this.find(path);
    return entry?.kind === 'file' ? this.bytes(entry) : undefined;
  }

  async bytes(file: FileEntry): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.content(file)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** A file's bytes, in pieces; holes are zeros. */
  async *content(file: FileEntry): AsyncIterable<Uint8Array> {
    try {
      if (file.notRead !== undefined) throw new UnreadFileSystem(file.notRead);
      yield* this.source.content(file);
    } catch (error) {
      throw named(error, `${file.path} in ${this.name}`);
    }
  }

  /** Where in the partition a file's bytes can be changed in place; throws `file-system-not-read` where they cannot. */
  async places(file: FileEntry): Promise<readonly DataPlace[]> {
    return this.guarded(() => {
      if (file.notRead !== undefined) throw new UnreadFileSystem(file.notRead);
      return this.source.places(file);
    });
  }

  private async walk(path: string): Promise<FileEntry | undefined> {
    let here = await this.source.root();
    let left = partsOf(path);
    for (let links = 0; left.length > 0;) {
      if (here.notRead !== undefined) throw new UnreadFileSystem(here.notRead);
      const [part = '', ...rest] = left;
      const child = here.kind === 'folder' ? this.pick(await this.children(here), part) : undefined;
      if (child === undefined) return undefined;
      const next = await child.entry();
      left = rest;
      if (next.kind !== 'link') {
        here = next;
        continue;
      }
      if (next.notRead !== undefined) throw new UnreadFileSystem(next.notRead);
      links += 1;
      if (links > MOST_LINKS) return undefined;
      const { target = '' } = next;
      left = [...partsOf(target.startsWith('/') ? target : joinPath(here.path, target)), ...rest];
      here = await this.source.root();
    }
    return here;
  }

  /** Throws where one name is there twice: which of the two is meant cannot be told. */
  private async children(folder: FileEntry): Promise<readonly Child[]> {
    const children = folder.notRead === undefined ? await this.source.children(folder) : [];
    const names = new Set<string>();
    for (const { name } of children) {
      if (names.has(name)) throw new DamagedFileSystem(`the folder ${folder.path} holds "${name}" twice`);
      if (name === '' || /[/\0]/.test(name)) throw new DamagedFileSystem(`${folder.path} has an impossible name`);
      names.add(name);
    }
    return children;
  }

  private pick(children: readonly Child[], name: string): Child | undefined {
    const exact = children.find((child) => child.name === name);
    if (exact !== undefined || !this.source.ignoresCase) return exact;
    return children.find((child) => child.name.toLowerCase() === name.toLowerCase());
  }

  private async guarded<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      throw named(error, `The ${this.facts.kind} of ${this.name}`);
    }
  }
}

/** A fault of a format as an error that says where ("The ext4 of partition 2 of x.img"); anything else stays what it is. */
export function named(error: unknown, subject: string): unknown {
  if (error instanceof DamagedFileSystem) {
    return new ReswarmError('file-system-corrupt', `${subject} is damaged: ${error.message}`, {
      hints: ['Copy or build the image again; of a card, make a copy and let fsck look at it.'],
      cause: error,
    });
  }
  if (error instanceof UnreadFileSystem) {
    return new ReswarmError('file-system-not-read', `${subject} is not read: uses ${error.message}`, { cause: error });
  }
  return error;
}

function partsOf(path: string): readonly string[] {
  const normal = normalPath(path);
  return normal === '/' ? [] : normal.slice(1).split('/');
}

/** Reads that go beyond the partition, or give less than was asked for, are damage: something in it points there. */
export function exactly(read: ReadAt, sizeBytes: number): ReadAt {
  return async (offset, size) => {
    const bytes = offset < 0 || size < 0 || offset + size > sizeBytes ? undefined : await read(offset, size);
    if (bytes?.length === size) return bytes;
    throw new DamagedFileSystem(
      `it points beyond its end (${size} bytes at ${offset}; the partition has ${sizeBytes})`,
    );
  };
}

/** Longer pieces of a file are handed out in parts of this size. */
export const PIECE_BYTES = 2 ** 20;

const CHUNK_BYTES = 2 ** 13;
const MOST_CHUNKS = 4096;

/** Small reads that are near each other cost one read of the disk. For metadata; `sizeBytes` is where the partition ends. */
export function cachedReader(read: ReadAt, sizeBytes: number): ReadAt {
  const chunks = new Map<number, Promise<Uint8Array>>();
  const chunk = (index: number): Promise<Uint8Array> => {
    const known = chunks.get(index);
    if (known !== undefined) return known;
    const start = index * CHUNK_BYTES;
    const loading = read(start, Math.min(CHUNK_BYTES, sizeBytes - start));
    const oldest = chunks.size < MOST_CHUNKS ? undefined : chunks.keys().next().value;
    if (oldest !== undefined) chunks.delete(oldest);
    chunks.set(index, loading);
    return loading;
  };
  return async (offset, size) => {
    const first = Math.floor(offset / CHUNK_BYTES);
    const last = Math.floor((offset + size - 1) / CHUNK_BYTES);
    if (offset < 0 || offset + size > sizeBytes || first !== last) return read(offset, size);
    const start = offset - first * CHUNK_BYTES;
    return (await chunk(first)).subarray(start, start + size);
  };
}

/** @param sizeBytes nothing where it is not above zero */
export function* zeros(sizeBytes: number): Iterable<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= PIECE_BYTES) yield new Uint8Array(Math.min(PIECE_BYTES, left));
}
