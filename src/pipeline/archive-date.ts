import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from './store.js';

/**
 * The moment "as of" which the Debian archive is looked at. The archive changes every few hours; without this
 * date an unchanged build would never find itself in the store. It stays until a refresh is asked for, and until that
 * refresh came to something: see `keepArchiveAsOf`.
 *
 * @returns ISO 8601, UTC
 */
export async function archiveAsOf(store: Store, refresh: boolean): Promise<string> {
  return store.withLock(
    'archive-as-of',
    () => undefined,
    async () => {
      const known = await knownArchiveAsOf(store);
      if (known !== undefined && !refresh) return known;
      const now = new Date().toISOString();
      if (known === undefined) await writeFile(fileOf(store), now);
      return now;
    },
  );
}

/** Once the archive has answered. A refresh that failed must not turn a full store into one that has nothing of use. */
export async function keepArchiveAsOf(store: Store, asOf: string): Promise<void> {
  if ((await knownArchiveAsOf(store)) !== asOf) await writeFile(fileOf(store), asOf);
}

/** The same without setting it: undefined before the first build. */
export async function knownArchiveAsOf(store: Store): Promise<string | undefined> {
  const text = await readFile(fileOf(store), 'utf8').catch(() => '');
  return text === '' ? undefined : text;
}

function fileOf(store: Store): string {
  return join(store.root, 'archive-as-of');
}
