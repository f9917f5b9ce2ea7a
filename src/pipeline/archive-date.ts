import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from './store.js';

/**
 * The moment "as of" which the Debian archive is looked at. The archive changes every few hours; without this
 * date an unchanged build would never find itself in the store. It stays until a refresh is asked for.
 *
 * @returns ISO 8601, UTC
 */
export async function archiveAsOf(store: Store, refresh: boolean): Promise<string> {
  const file = fileOf(store);
  return store.withLock(
    'archive-as-of',
    () => undefined,
    async () => {
      const known = refresh ? undefined : await readFile(file, 'utf8').catch(() => undefined);
      if (known !== undefined && known !== '') return known;
      const now = new Date().toISOString();
      await writeFile(file, now);
      return now;
    },
  );
}

/** The same without setting it: undefined before the first build. */
export async function knownArchiveAsOf(store: Store): Promise<string | undefined> {
  return readFile(fileOf(store), 'utf8').catch(() => undefined);
}

function fileOf(store: Store): string {
  return join(store.root, 'archive-as-of');
}
