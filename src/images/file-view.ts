import { nearestWord } from '../config/wording.js';
import type { FileEntry } from '../formats/file-entry.js';
import { baseName, joinPath, normalPath, parentOf } from '../formats/file-entry.js';
import { UserError } from '../errors.js';
import type { FileSystemReader } from '../formats/file-system-reader.js';

/** A file system and the folder where the running device has it. */
export type MountedReader = { readonly mount: string; readonly reader: FileSystemReader };

/** Linux gives up after as many (MAXSYMLINKS). */
const MOST_LINKS = 40;

/** All files of an image under the paths that they have on the running device. */
export class FileView {
  /** By path: a folder stands before what lies in it. */
  readonly entries: readonly FileEntry[];
  private readonly byPath: ReadonlyMap<string, FileEntry>;
  private readonly byFolder = new Map<string, FileEntry[]>();

  private constructor(
    /** What to call the image. */
    private readonly name: string,
    private readonly mounts: readonly MountedReader[],
    entries: readonly FileEntry[],
  ) {
    this.entries = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    this.byPath = new Map(this.entries.map((entry) => [entry.path, entry]));
    for (const entry of this.entries) {
      if (entry.path === '/') continue;
      const folder = parentOf(entry.path);
      const siblings = this.byFolder.get(folder);
      if (siblings === undefined) this.byFolder.set(folder, [entry]);
      else siblings.push(entry);
    }
  }

  /** @param mounts the root file system first; what another one hides is left out, as on the device */
  static async read(name: string, mounts: readonly MountedReader[]): Promise<FileView> {
    let all: readonly FileEntry[] = [];
    for (const { mount, reader } of mounts) {
      const found = await reader.entries();
      const visible = all.filter(({ path }) => path !== mount && !path.startsWith(`${mount}/`));
      const placed = found.map((entry) => ({ ...entry, path: placedAt(mount, entry.path) }));
      all = mount === '/' ? placed : [...visible, ...placed];
    }
    return new FileView(name, mounts, all);
  }

  /** What lies in a folder, by name. */
  children(folder: string): readonly FileEntry[] {
    return this.byFolder.get(folder) ?? [];
  }

  /** What is at a path, links followed inside the image; undefined when nothing is. */
  find(path: string, followLast = true): FileEntry | undefined {
    const real = this.realPath(normalPath(path), followLast);
    return real === undefined ? undefined : this.byPath.get(real);
  }

  /** Throws UserError `path-not-found`, with the name that was probably meant. */
  lookUp(path: string, followLast = true): FileEntry {
    const found = this.find(path, followLast);
    if (found !== undefined) return found;
    const wanted = normalPath(path);
    let folder = parentOf(wanted);
    let missing = baseName(wanted);
    while (folder !== '/' && this.find(folder) === undefined) {
      missing = baseName(folder);
      folder = parentOf(folder);
    }
    const at = this.find(folder);
    const names = this.children(at?.path ?? folder).map((entry) => baseName(entry.path));
    const near = nearestWord(missing, names);
    throw new UserError('path-not-found', `${this.name} holds no ${wanted}`, {
      hints: [
        near !== undefined ? `Did you mean ${joinPath(folder, near)}?` : `Look into ${folder} with --ls ${folder}.`,
      ],
    });
  }

  content(entry: FileEntry): AsyncIterable<Uint8Array> {
    const owner = this.mounts.findLast(
      ({ mount }) => mount === '/' || entry.path === mount || entry.path.startsWith(`${mount}/`),
    );
    if (owner === undefined) throw new TypeError(`no file system holds ${entry.path}`);
    return owner.reader.content(entry);
  }

  async bytes(entry: FileEntry): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.content(entry)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** A text file that may be missing: then undefined. */
  async text(path: string): Promise<string | undefined> {
    const entry = this.find(path);
    return entry?.kind === 'file' ? (await this.bytes(entry)).toString('utf8') : undefined;
  }

  /** The path with the links in it followed; its last part need not be there. */
  private realPath(path: string, followLast: boolean): string | undefined {
    let left = path.split('/').filter((part) => part !== '');
    let here = '/';
    for (let links = 0; left.length > 0;) {
      const [part = '', ...rest] = left;
      left = rest;
      const next = joinPath(here, part);
      const entry = this.byPath.get(next);
      if (entry?.kind === 'link' && entry.target !== undefined && (rest.length > 0 || followLast)) {
        links += 1;
        if (links > MOST_LINKS) return undefined;
        const target = normalPath(entry.target.startsWith('/') ? entry.target : `${here}/${entry.target}`);
        left = [...target.split('/').filter((word) => word !== ''), ...rest];
        here = '/';
      } else here = next;
    }
    return here;
  }
}

function placedAt(mount: string, path: string): string {
  if (mount === '/') return path;
  return path === '/' ? mount : mount + path;
}
