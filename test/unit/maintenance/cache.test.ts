import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../../src/host/host.js';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import { Store } from '../../../src/pipeline/store.js';
import { clearCache, listCache, pruneCache } from '../../../src/maintenance/cache.js';
import { describeListing, describeRemoval } from '../../../src/ui/describe-cache.js';

const DAY_MS = 86_400_000;

let cacheDir: string;
let host: Host;
let store: Store;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'cache-service-'));
  const facts = { ...readHostFacts(process.env), cacheDir };
  host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
  store = new Store(cacheDir, host);
  await store.prepare();
});
afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

const nothing = (): void => undefined;

/** An entry as a build makes it, last used some days ago. */
async function make(stage: string, name: string, usedDaysAgo = 0, sizeBytes = 10) {
  const fill = (out: string) => writeFile(join(out, 'result'), Buffer.alloc(sizeBytes, 1));
  const entry = await store.obtain(stage, { name }, fill, nothing);
  const used = new Date(Date.now() - usedDaysAgo * DAY_MS);
  await utimes(join(entry.path, '..', 'stage.json'), used, used);
  return entry.key;
}

const keysIn = (stage: string) => readdir(join(store.root, stage)).catch(() => []);

describe('listCache', () => {
  it('is empty before the first build', async () => {
    await rm(store.root, { recursive: true });
    const listing = await listCache(store, host);
    expect(listing).toMatchObject({ entries: [], totalBytes: 0 });
    expect(describeListing(listing, Date.now())).toEqual([`${store.root} is empty.`]);
  });

  it('measures entries as du does and adds up', async () => {
    const key = await make('kernel', 'a', 3, 300_000);
    await writeFile(join(store.shared.downloads, 'x'), Buffer.alloc(50_000, 1));
    const listing = await listCache(store, host);
    const du = execFileSync('du', ['-s', '-B1', join(store.root, 'kernel', key)], { encoding: 'utf8' });
    expect(listing.entries).toMatchObject([
      { stage: 'kernel', key, sizeBytes: Number(du.split('\t')[0]), inUse: false },
    ]);
    const parts = [...listing.entries, ...listing.shared].map(({ sizeBytes }) => sizeBytes);
    expect(listing.totalBytes).toBe(parts.reduce((sum, size) => sum + size, 0));
    expect(listing.totalBytes).toBeGreaterThan(350_000);
  });

  it('sorts by stage, the last used first, and shows it as a table', async () => {
    const old = await make('rootfs', 'old', 5);
    const recent = await make('rootfs', 'new', 2);
    const kernel = await make('kernel', 'a', 9);
    const listing = await listCache(store, host);
    expect(listing.entries.map(({ key }) => key)).toEqual([kernel, recent, old]);
    const [head, ...rows] = describeListing(listing, Date.now());
    expect(head).toMatch(/^STAGE +KEY +SIZE +MADE \(UTC\) +LAST USED$/);
    expect(rows[0]).toMatch(new RegExp(`^kernel +${kernel.slice(0, 12)} .* KiB .* 9 days ago$`));
  });

  it('marks what is being made right now', async () => {
    const key = await make('kernel', 'a', 9);
    await store.withLock(`kernel-${key}`, nothing, async () => {
      expect((await listCache(store, host)).entries).toMatchObject([{ inUse: true }]);
    });
    expect((await listCache(store, host)).entries).toMatchObject([{ inUse: false }]);
  });
});

describe('pruneCache', () => {
  it('takes what was not used for 30 days when nothing else is asked for', async () => {
    await make('kernel', 'old', 31);
    const recent = await make('kernel', 'recent', 29);
    const { removed, freedBytes } = await pruneCache(store, host, { dryRun: false });
    expect(removed).toHaveLength(1);
    expect(freedBytes).toBeGreaterThan(0);
    expect(await keysIn('kernel')).toEqual([recent]);
  });

  it('leaves the last used of each stage', async () => {
    const kernel = await make('kernel', 'a', 100);
    await make('rootfs', 'old', 2);
    const rootfs = await make('rootfs', 'new', 1);
    await pruneCache(store, host, { keep: 1, dryRun: false });
    expect([await keysIn('kernel'), await keysIn('rootfs')]).toEqual([[kernel], [rootfs]]);
  });

  it('takes only what both conditions allow', async () => {
    const first = await make('kernel', 'first', 10);
    await make('kernel', 'second', 20);
    const young = await make('rootfs', 'young', 1);
    await make('rootfs', 'older', 20);
    await pruneCache(store, host, { keep: 1, olderThanMs: 5 * DAY_MS, dryRun: false });
    expect(await keysIn('kernel')).toEqual([first]);
    expect(await keysIn('rootfs')).toEqual([young]);
  });

  it('removes nothing in a dry run, but says what it would', async () => {
    const key = await make('kernel', 'old', 31);
    const removal = await pruneCache(store, host, { dryRun: true });
    expect(removal.removed.map((entry) => entry.key)).toEqual([key]);
    expect(await keysIn('kernel')).toEqual([key]);
    expect(describeRemoval(removal, Date.now()).at(-1)).toMatch(/^Would remove 1 entry, /);
  });

  it('leaves the package locks, which keep builds the same', async () => {
    const key = await make('package-lock', 'old', 400);
    expect((await pruneCache(store, host, { dryRun: false })).removed).toEqual([]);
    expect(await keysIn('package-lock')).toEqual([key]);
  });

  it('never touches an entry that another build holds, nor what a running build used just now', async () => {
    const held = await make('kernel', 'held', 40);
    const tools = await make('tools', 'used by the build', 0);
    const idle = await make('rootfs', 'idle', 40);
    await store.withLock(`kernel-${held}`, nothing, async () => {
      const removal = await pruneCache(store, host, { olderThanMs: 0, dryRun: false });
      expect(removal.removed.map(({ key }) => key)).toEqual([idle]);
      expect(removal.inUse.map(({ key }) => key).sort()).toEqual([held, tools].sort());
    });
    expect([await keysIn('kernel'), await keysIn('tools')]).toEqual([[held], [tools]]);
  });

  it('goes by the lock of a living build only', async () => {
    const key = await make('kernel', 'old', 40);
    const abandoned = join(store.root, 'locks', `kernel-${key}.lock`);
    await mkdir(abandoned);
    await utimes(abandoned, 0, 0);
    expect((await pruneCache(store, host, { dryRun: false })).removed).toHaveLength(1);
  });

  it('leaves no scratch behind', async () => {
    await make('kernel', 'old', 40);
    await pruneCache(store, host, { dryRun: false });
    expect(await readdir(join(store.root, 'tmp'))).toEqual([]);
    expect(await readdir(join(store.root, 'locks'))).toEqual([]);
  });
});

describe('clearCache', () => {
  it('leaves an empty store that builds can use again', async () => {
    await make('kernel', 'a');
    await make('package-lock', 'a');
    await writeFile(join(store.shared.downloads, 'x'), 'x');
    await writeFile(join(store.root, 'archive-as-of'), 'x');
    const { removed, freedBytes } = await clearCache(store, host);
    expect(removed).toHaveLength(2);
    expect(freedBytes).toBeGreaterThan(0);
    expect((await listCache(store, host)).entries).toEqual([]);
    expect(await readdir(store.shared.downloads)).toEqual([]);
    expect((await readdir(store.root)).sort()).not.toContain('archive-as-of');
    await make('kernel', 'a');
    expect(await keysIn('kernel')).toHaveLength(1);
  });

  it('leaves downloads and used entries alone while another build runs', async () => {
    const key = await make('tools', 'a');
    await writeFile(join(store.shared.downloads, 'x'), 'x');
    await store.withLock('kernel-abc', nothing, async () => {
      const removal = await clearCache(store, host);
      expect(removal.inUse.map((entry) => entry.key)).toEqual([key]);
      expect(describeRemoval(removal, Date.now())).toEqual([
        'Nothing to remove.',
        'Left 1 that a running build needs.',
      ]);
    });
    expect(await readdir(store.shared.downloads)).toEqual(['x']);
    expect(await keysIn('tools')).toEqual([key]);
  });
});
