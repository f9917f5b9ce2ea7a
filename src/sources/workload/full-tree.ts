/** Something that a workload may need, wherever it comes from. */
export type TreeFile = {
  /** Absolute, without links on the way. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link';
  /** Permission bits; nothing is set-user-ID. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** Of a link. */
  readonly target?: string;
  /** Of a file: its path on this machine. */
  readonly source?: string;
  /** Of a file that the build writes: its content instead. */
  readonly text?: string;
  /** Debian package; undefined for files of one's own and what the build writes. */
  readonly package?: string;
};

/** Links that lead to links that lead to links: the kernel follows no more either. */
const MOST_LINKS = 40;

/** All that a workload could take files from: its packages and its own files, with links as the system has them. */
export class FullTree {
  private readonly byPath: ReadonlyMap<string, TreeFile>;
  private readonly byFolder = new Map<string, TreeFile[]>();

  /** @param files a later one takes the place of an earlier one of the same path */
  constructor(files: Iterable<TreeFile>) {
    const byPath = new Map<string, TreeFile>();
    for (const file of files) byPath.set(file.path, file);
    this.byPath = byPath;
    for (const file of byPath.values()) {
      const folder = parentOf(file.path);
      const siblings = this.byFolder.get(folder);
      if (siblings === undefined) this.byFolder.set(folder, [file]);
      else siblings.push(file);
    }
  }

  get files(): Iterable<TreeFile> {
    return this.byPath.values();
  }

  /** What stands at a path without links on the way. */
  at(path: string): TreeFile | undefined {
    return this.byPath.get(path);
  }

  /** What lies in a folder directly. */
  in(folder: string): readonly TreeFile[] {
    return this.byFolder.get(folder) ?? [];
  }

  /**
   * Follows a path as the kernel does.
   *
   * @returns the links on the way, and what is at the end; no end where something is missing
   */
  follow(path: string): { readonly links: readonly string[]; readonly end?: TreeFile | undefined } {
    const links: string[] = [];
    const rest = partsOf(path);
    let current = '';
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '.') continue;
      if (part === '..') {
        current = current.slice(0, Math.max(0, current.lastIndexOf('/')));
        continue;
      }
      const next = `${current}/${part}`;
      const file = this.byPath.get(next);
      if (file === undefined) return { links };
      if (file.type !== 'link') {
        current = next;
        continue;
      }
      links.push(next);
      if (links.length > MOST_LINKS) return { links };
      const target = file.target ?? '';
      if (target.startsWith('/')) current = '';
      rest.unshift(...partsOf(target));
    }
    return { links, end: this.byPath.get(current) };
  }
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}
