import { nearestWord } from '../config/wording.js';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import { baseName, joinPath, normalPath, parentOf } from '../formats/file-system/file-entry.js';
import { ReswarmError, UserError } from '../errors.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';

/** A file system and the folder where the running device has it. */
export type MountedReader = { readonly mount: string; readonly reader: FileSystemReader };

/** A partition whose files are not shown; `mount` where it is known. */
export type Unread = { readonly mount?: string; readonly error: ReswarmError };

/** Linux gives up after as many (MAXSYMLINKS). */
const MOST_LINKS = 40;
const UNREAD_CODES: ReadonlySet<string> = new Set(['file-system-corrupt', 'file-system-not-read']);

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
    /** What should be there and could not be read. */
    readonly unread: readonly Unread[],
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

  /**
   * A file system that is damaged ends nothing: it is among `unread` then.
   *
   * @param mounts the root file system first; what another one hides is left out, as on the device
   * @param unread partitions that could not even be opened
   */
  static async read(name: string, mounts: readonly MountedReader[], unread: readonly Unread[] = []): Promise<FileView> {
    let all: readonly FileEntry[] = [];
    const failed: Unread[] = [...unread];
    for (const { mount, reader } of mounts) {
      const found = await entriesOf(reader);
      if (found instanceof ReswarmError) {
        failed.push({ mount, error: found });
        continue;
      }
      const visible = all.filter(({ path }) => path !== mount && !path.startsWith(`${mount}/`));
      const placed = found.map((entry) => ({ ...entry, path: placedAt(mount, entry.path) }));
      all = mount === '/' ? placed : [...visible, ...placed];
    }
    return new FileView(name, mounts, all, failed);
  }

  /** What is in a folder, by name. */
  children(folder: string): readonly FileEntry[] {
    return this.byFolder.get(folder) ?? [];
  }

  /**
   * What is at a path, links followed inside the image; undefined when nothing is. A byte of a name that is no UTF-8 can
   * be typed as it is shown: `\\xfc`.
   */
  find(path: string, followLast = true): FileEntry | undefined {
    const real = this.realPath(normalPath(path), followLast);
    const found = real === undefined ? undefined : this.byPath.get(real);
    const bytes = withOddBytes(path);
    return found === undefined && bytes !== path ? this.find(bytes, followLast) : found;
  }

  /**
   * Throws UserError `path-not-found`, with the name that was probably meant; where it would be in a partition that is
   * not read, ReswarmError `file-system-not-read` or `file-system-corrupt`.
   */
  lookUp(path: string, followLast = true): FileEntry {
    const found = this.find(path, followLast);
    if (found !== undefined) return found;
    const wanted = normalPath(path);
    this.requireRead(wanted);
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
        // It may be in there.
        ...this.unread.map(({ error }) => `${error.message}.`),
      ],
    });
  }

  content(entry: FileEntry): AsyncIterable<Uint8Array> {
    const owner = this.mountOf(entry.path);
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

  private requireRead(path: string): void {
    const owner = this.mountOf(path);
    const isThere = (mount: string | undefined): boolean =>
      mount === owner?.mount || (owner === undefined && mount === '/');
    const unread = this.unread.find(({ mount }) => isThere(mount));
    if (unread === undefined) return;
    const { code, message, hints } = unread.error;
    throw new ReswarmError(code, `${this.name} shows no ${path}: ${message}`, { hints, cause: unread.error });
  }

  private mountOf(path: string): MountedReader | undefined {
    return this.mounts.findLast(({ mount }) => mount === '/' || path === mount || path.startsWith(`${mount}/`));
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

/** All names of a file system, or why they cannot be read. */
async function entriesOf(reader: FileSystemReader): Promise<readonly FileEntry[] | ReswarmError> {
  try {
    return await reader.entries();
  } catch (error) {
    if (error instanceof ReswarmError && UNREAD_CODES.has(error.code)) return error;
    throw error;
  }
}

function withOddBytes(path: string): string {
  return path.replace(/\\x([89a-f][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(0xdc00 + Number.parseInt(hex, 16)),
  );
}

function placedAt(mount: string, path: string): string {
  if (mount === '/') return path;
  return path === '/' ? mount : mount + path;
}
