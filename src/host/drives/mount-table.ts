/** What the kernel says is mounted: one line of /proc/self/mountinfo (man 5 proc_pid_mountinfo). */
export type Mount = {
  /** Of the file system, "8:1"; "0:…" when it is not on one block device (btrfs, ZFS, overlay, tmpfs, NFS). */
  readonly majorMinor: string;
  readonly mountPoint: string;
  readonly fileSystem: string;
  /** As the file system names it: "/dev/sda1", "rpool/ROOT", "overlay". */
  readonly source: string;
};

/** One or several mountinfo tables, one after another; a mount in two of them comes once. */
export function parseMountinfo(text: string): readonly Mount[] {
  const mounts = new Map<string, Mount>();
  for (const line of text.split('\n')) {
    const [place, origin] = line.split(' - ');
    const [, , majorMinor, , mountPoint] = place?.split(' ') ?? [];
    const [fileSystem, source] = origin?.split(' ') ?? [];
    if (majorMinor === undefined || mountPoint === undefined || fileSystem === undefined) continue;
    const mount = {
      majorMinor,
      mountPoint: unescapeOctal(mountPoint),
      fileSystem,
      source: unescapeOctal(source ?? ''),
    };
    mounts.set(`${majorMinor} ${mount.mountPoint} ${mount.source}`, mount);
  }
  return [...mounts.values()];
}

/** An active swap of /proc/swaps: a block device, or a file on one. */
export type Swap = { readonly path: string; readonly isFile: boolean };

export function parseSwaps(text: string): readonly Swap[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/))
    .filter(([path]) => path !== undefined && path !== '')
    .map(([path = '', type]) => ({ path: unescapeOctal(path), isFile: type === 'file' }));
}

/** The mount that a path lies on: the deepest mount point above it, the last one when several lie over each other. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    if (!isAtOrBelow(path, mount.mountPoint)) continue;
    if (found === undefined || mount.mountPoint.length >= found.mountPoint.length) found = mount;
  }
  return found;
}

export function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
