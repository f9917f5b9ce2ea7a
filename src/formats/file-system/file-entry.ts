export type FileKind = 'file' | 'folder' | 'link' | 'character-device' | 'block-device' | 'fifo' | 'socket';

/** One name in a file system. */
export type FileEntry = {
  /** From the root of its file system: "/etc/fstab"; the root itself is "/". Names are as file-name.ts has them. */
  readonly path: string;
  readonly kind: FileKind;
  readonly sizeBytes: number;
  /** What its blocks or clusters take; less than the size where there are holes. */
  readonly diskBytes: number;
  /** Seconds since 1970; FAT has no time zone, its times are taken for UTC. */
  readonly modifiedSeconds: number;
  /** Permission bits (07777) and owner; FAT has none. */
  readonly owner?: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Of a symbolic link. */
  readonly target?: string;
  /** Names that lead to the same file: more than 1 for hard links. */
  readonly links: number;
  /** What the file system calls it: inode number, first cluster. Names of one file share it. */
  readonly id: number;
  /** What its content (of a folder: its names; of a link: its target) uses that is not read here: "encrypt". */
  readonly notRead?: string;
};

/** `-rwsr-xr-x`, as `ls -l` writes it; FAT files get `-` for each bit. */
export function formatMode(entry: Pick<FileEntry, 'kind' | 'owner'>): string {
  const mode = entry.owner?.mode;
  if (mode === undefined) return `${LETTERS[entry.kind]}---------`;
  const bits = (shift: number, special: number, letter: string): string => {
    const three = mode >> shift;
    const executable = (three & 1) !== 0;
    const last = (mode & special) === 0 ? (executable ? 'x' : '-') : executable ? letter : letter.toUpperCase();
    return `${(three & 4) === 0 ? '-' : 'r'}${(three & 2) === 0 ? '-' : 'w'}${last}`;
  };
  return LETTERS[entry.kind] + bits(6, 0o4000, 's') + bits(3, 0o2000, 's') + bits(0, 0o1000, 't');
}

const LETTERS: Readonly<Record<FileKind, string>> = {
  file: '-',
  folder: 'd',
  link: 'l',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  socket: 's',
};

/** The folder that a path lies in; "/" for what lies in the root. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** "/a//b/./c/" and "a/b/c" become "/a/b/c"; ".." goes up, never above the root. */
export function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
