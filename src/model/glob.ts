/** Whether a path matches: `*` and `?` stand for anything but `/`, all else for itself. */
export function matchesGlob(path: string, glob: string): boolean {
  const pattern = glob
    .replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`)
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${pattern}$`).test(path);
}

/**
 * Whether an absolute path is meant: `*` and `?` stand for anything but `/`, a doubled star also for that. What matches a
 * folder means all below it.
 */
export function matchesPathGlob(path: string, glob: string): boolean {
  const pattern = glob
    .replace(/\/+$/, '')
    .replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`)
    .replaceAll(/\*\*\/?|\*|\?/g, (wild) => WILD[wild] ?? '');
  return new RegExp(`^${pattern}(?:/.*)?$`).test(path);
}

const WILD: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };
