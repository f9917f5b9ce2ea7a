import { lstat, stat } from 'node:fs/promises';

/** Whether something is there; a link counts for what it leads to. */
export async function pathExists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Whether the name is taken, be it by a link that leads nowhere. */
export async function isNameTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
