import { randomUUID } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tryFileLock, withFileLock } from '../host/file-lock.js';

type RemoveTree = (path: string) => Promise<void>;

const LOCK_SUFFIX = '.lock';
/** Earlier versions named folders after a process and locked nothing: only age can say that nobody uses them. */
const UNLOCKED_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * An empty folder in `parent` for `body`, gone afterwards. As long as it is used, `<folder>.lock` beside it is locked,
 * which other containers and hosts see too.
 */
export async function withScratchIn<T>(
  parent: string,
  removeTree: RemoveTree,
  signal: AbortSignal,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(parent, randomUUID());
  return withFileLock(`${folder}${LOCK_SUFFIX}`, { signal }, async () => {
    await mkdir(folder, { mode: 0o700 });
    try {
      return await body(folder);
    } finally {
      await removeTree(folder);
    }
  });
}

/** Removes the folders of processes that were killed: those whose lock can be taken. */
export async function removeAbandonedScratch(parent: string, removeTree: RemoveTree): Promise<void> {
  const names = await readdir(parent);
  for (const name of names) {
    if (name.endsWith(LOCK_SUFFIX)) {
      await removeIfAbandoned(join(parent, name.slice(0, -LOCK_SUFFIX.length)), removeTree);
    } else if (!names.includes(`${name}${LOCK_SUFFIX}`) && (await isOld(join(parent, name)))) {
      await removeTree(join(parent, name));
    }
  }
}

async function removeIfAbandoned(folder: string, removeTree: RemoveTree): Promise<void> {
  const lock = await tryFileLock(`${folder}${LOCK_SUFFIX}`);
  if (lock === undefined) return;
  try {
    await removeTree(folder);
  } finally {
    await lock.release();
  }
}

async function isOld(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  return status !== undefined && Date.now() - status.mtimeMs > UNLOCKED_AGE_MS;
}
