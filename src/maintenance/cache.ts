import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host/host.js';
import { systemCode } from '../host/network-fault.js';
import type { Store } from '../pipeline/store.js';

export type CacheEntry = {
  readonly stage: string;
  readonly key: string;
  readonly path: string;
  /** On the disk. */
  readonly sizeBytes: number;
  readonly madeAt: string;
  readonly durationMs: number;
  readonly lastUsedAt: string;
  /** A running build makes it or has used it. */
  readonly inUse: boolean;
};

export type CacheListing = {
  readonly root: string;
  /** By stage, the last used first. */
  readonly entries: readonly CacheEntry[];
  /** What speeds builds up and is safe to delete: verified downloads and compiled objects. */
  readonly shared: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly totalBytes: number;
};

export type PruneOptions = {
  /** Take entries that were not used for so long. */
  readonly olderThanMs?: number;
  /** Leave at least so many of each stage, the last used ones. */
  readonly keep?: number;
  readonly dryRun: boolean;
};

export type CacheRemoval = {
  /** Removed, or what would be with `dryRun`. */
  readonly removed: readonly CacheEntry[];
  /** Wanted, but a running build needs them. */
  readonly inUse: readonly CacheEntry[];
  readonly freedBytes: number;
  readonly dryRun: boolean;
};

const SHARED = ['downloads', 'ccache', 'kernel-builds'];
const OWN_FOLDERS = new Set([...SHARED, 'tmp', 'locks']);
/** What pins the versions of packages: small, and without it the next build would give other bytes. */
const PINS = new Set(['package-lock']);
const DEFAULT_AGE_MS = 30 * 24 * 60 * 60 * 1000;
/** While any build runs, what was used within this time may be what it builds on. */
const LONGEST_BUILD_MS = 2 * 60 * 60 * 1000;

/** Everything in the store, measured. */
export async function listCache(store: Store, host: Host): Promise<CacheListing> {
  const busy = await busyLocks(store);
  const found = await findEntries(store);
  const shared = SHARED.map((name) => join(store.root, name));
  const sizes = await diskUsage(host, [...found.map(({ path }) => path), ...shared]);
  const now = Date.now();
  const entries = found
    .map(({ lastUsedMs, ...entry }) => ({
      ...entry,
      sizeBytes: sizes.get(entry.path) ?? 0,
      lastUsedAt: new Date(lastUsedMs).toISOString(),
      inUse: busy.has(`${entry.stage}-${entry.key}`) || (busy.size > 0 && now - lastUsedMs < LONGEST_BUILD_MS),
    }))
    .sort((a, b) => compare(a.stage, b.stage) || compare(b.lastUsedAt, a.lastUsedAt));
  const sharedSizes = SHARED.map((name) => ({ name, sizeBytes: sizes.get(join(store.root, name)) ?? 0 }));
  const totalBytes = [...entries, ...sharedSizes].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { root: store.root, entries, shared: sharedSizes, totalBytes };
}

/**
 * Removes entries that were not used for long (30 days unless told), or all but the last used of each stage. Never
 * touches what a running build needs, nor the package locks: those keep builds the same.
 */
export async function pruneCache(store: Store, host: Host, options: PruneOptions): Promise<CacheRemoval> {
  const { entries } = await listCache(store, host);
  const { keep = 0, olderThanMs = options.keep === undefined ? DEFAULT_AGE_MS : 0 } = options;
  const limit = new Date(Date.now() - olderThanMs).toISOString();
  const seen = new Map<string, number>();
  const wanted = entries.filter(({ stage, lastUsedAt }) => {
    const rank = seen.get(stage) ?? 0;
    seen.set(stage, rank + 1);
    return rank >= keep && lastUsedAt <= limit && !PINS.has(stage);
  });
  return removeEntries(store, wanted, options.dryRun);
}

/** Removes all that no running build needs: entries, downloads, compiled objects, package locks. */
export async function clearCache(store: Store, host: Host): Promise<CacheRemoval> {
  const { entries, shared } = await listCache(store, host);
  const removal = await removeEntries(store, entries, false);
  if ((await busyLocks(store)).size > 0) return removal;
  for (const name of [...SHARED, 'archive-as-of']) await discard(store, join(store.root, name));
  await store.prepare();
  const freedBytes = shared.reduce((sum, { sizeBytes }) => sum + sizeBytes, removal.freedBytes);
  return { ...removal, freedBytes };
}

async function removeEntries(store: Store, wanted: readonly CacheEntry[], dryRun: boolean): Promise<CacheRemoval> {
  const inUse = wanted.filter((entry) => entry.inUse);
  const removed = wanted.filter((entry) => !entry.inUse);
  if (!dryRun) await store.removeAbandoned();
  for (const { stage, key, path } of dryRun ? [] : removed) {
    // Under the entry's own lock: a build that wants it now makes it anew afterwards.
    await store.withLock(
      `${stage}-${key}`,
      () => undefined,
      () => discard(store, path),
    );
  }
  return { removed, inUse, freedBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), dryRun };
}

/** Renamed first, so that nobody ever sees half an entry. */
async function discard(store: Store, path: string): Promise<void> {
  await store.withScratch(async (scratch) => {
    await rename(path, join(scratch, 'discarded')).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  });
}

type FoundEntry = Omit<CacheEntry, 'sizeBytes' | 'lastUsedAt' | 'inUse'> & { readonly lastUsedMs: number };

async function findEntries(store: Store): Promise<FoundEntry[]> {
  const stages = await foldersIn(store.root);
  const entries: FoundEntry[] = [];
  for (const stage of stages.filter((name) => !OWN_FOLDERS.has(name))) {
    for (const key of await foldersIn(join(store.root, stage))) {
      const path = join(store.root, stage, key);
      const file = join(path, 'stage.json');
      const status = await stat(file).catch(() => undefined);
      // Removed since, or no entry at all.
      if (status === undefined) continue;
      const { madeAt, durationMs } = JSON.parse(await readFile(file, 'utf8')) as { madeAt: string; durationMs: number };
      entries.push({ stage, key, path, madeAt, durationMs, lastUsedMs: status.mtimeMs });
    }
  }
  return entries;
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** `<stage>-<key>` of what is being made right now. */
async function busyLocks(store: Store): Promise<ReadonlySet<string>> {
  const entries = await readdir(join(store.root, 'locks'), { withFileTypes: true }).catch(() => []);
  // Earlier versions made folders of their locks.
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const held = await Promise.all(names.map(async (name) => ((await store.isLocked(name)) ? name : undefined)));
  return new Set(held.filter((name) => name !== undefined));
}

/** As root of the user namespace where the trees belong to subordinate ids: nobody else may look into all of them. */
async function diskUsage(host: Host, paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const du = ['du', '--summarize', '--block-size=1', '--count-links', '--', ...paths];
  const asRoot = ['unshare', '--user', '--map-auto', '--map-root-user', '--', ...du];
  const [file = 'du', ...args] = host.facts.privilege === 'root' ? du : asRoot;
  // 1: something vanished while it was counted.
  const { stdout } = await host.run({ file, args }, { okExitCodes: [0, 1] });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  return new Map(lines.map(([size = '0', path = '']) => [path, Number(size)]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
