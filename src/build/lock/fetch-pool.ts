import { gzipSync } from 'node:zlib';
import { link, mkdir, rm, copyFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IntegrityError, NetworkError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { POOL_DOWNLOADS, poolFolder, withPool } from '../../host/pool-downloads.js';
import { sha256 } from '../../model/sha256.js';
import type { Reporter, StageReporter } from '../../pipeline/reporter.js';
import { stageReporter } from '../../pipeline/reporter.js';
import { Store } from '../../pipeline/store.js';
import { poolUrls, withMirrorFirst } from '../../sources/debian/apt-sources.js';
import { fetchDebs, mapParallel, PARALLEL_DOWNLOADS } from '../../sources/debian/debs.js';
import type { DebFile } from '../../sources/debian/packages.js';
import { packageIndex } from '../../sources/debian/pool/package-index.js';
import type { ImageLock } from './lock-file.js';
import { allDebs, formatLock } from './lock-file.js';

export type FetchOptions = {
  /** Folder that the pool is in, absolute; made where it is not there. */
  readonly pool: string;
  /** Asked before the archives of the lock. */
  readonly mirror?: string | undefined;
};

/** What a pool has. */
export type FetchedPool = {
  readonly pool: string;
  readonly packages: number;
  readonly sourceFiles: number;
  readonly downloads: number;
  readonly bytes: number;
  /** Downloads that could not be reached; a package of the lock has the same file. */
  readonly notReached: readonly string[];
  /** Package files of the user: they stay where they are. */
  readonly ownPackages: readonly string[];
};

const FETCHING = 'fetch';

/**
 * Brings all that a lock names into a folder that a locked build takes as its mirror, and that apt reads as an archive.
 * What is there already with the right digest is not fetched again; a file with a wrong one is replaced.
 *
 * Throws what the download throws, for anything that nothing else of the lock has.
 */
export async function fetchPool(
  lock: ImageLock,
  { pool, mirror }: FetchOptions,
  given: Host,
  reporter: Reporter,
): Promise<FetchedPool> {
  const from = poolFolder(mirror);
  const host = from === undefined ? given : withPool(given, from);
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const report = stageReporter(reporter, FETCHING);
  reporter.emit({ type: 'planned', groups: [{ title: 'Pool of the lock', stages: [FETCHING] }] });
  reporter.emit({ type: 'stage-started', stage: FETCHING });
  const started = performance.now();
  const done = (type: 'stage-failed' | 'stage-finished'): void => {
    const durationMs = Math.round(performance.now() - started);
    if (type === 'stage-failed') reporter.emit({ type, stage: FETCHING, durationMs });
    else reporter.emit({ type, stage: FETCHING, durationMs, cached: false, key: sha256(formatLock(lock)) });
  };
  try {
    const fetched = await fill(lock, pool, mirror, { host, report, shared: store.shared });
    done('stage-finished');
    return fetched;
  } catch (error) {
    done('stage-failed');
    throw error;
  }
}

type Means = { readonly host: Host; readonly report: StageReporter; readonly shared: Store['shared'] };

async function fill(lock: ImageLock, pool: string, mirror: string | undefined, means: Means): Promise<FetchedPool> {
  const { host, report } = means;
  await mkdir(pool, { recursive: true });
  const wanted = allDebs(lock).filter(({ local }) => local === undefined);
  const archives = [lock.tools, ...lock.packages, ...lock.sources].flatMap((one) => one.archives);
  const sources = withMirrorFirst([...new Set(archives)].map((line) => `${line}\n`).join(''), mirror);
  report.step('fetching packages');
  const debs = await fetchDebs(wanted, sources, means);
  for (const deb of debs) await place(deb.path, join(pool, deb.filename));
  report.step('fetching sources');
  const files = lock.sources.flatMap((one) => one.files);
  await mapParallel(files, PARALLEL_DOWNLOADS, ({ filename, sha256: digest, sizeBytes }) =>
    host.download({ urls: poolUrls(sources, filename), sha256: digest, sizeBytes, path: join(pool, filename) }),
  );
  report.step('fetching pinned files');
  const notReached = await fetchDownloads(lock, pool, host);
  report.step('writing package lists');
  await writeLists(lock, debs, pool, host);
  await writeFile(join(pool, 'lock.json'), formatLock(lock));
  const bytes = [...debs, ...files].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    pool,
    packages: debs.length,
    sourceFiles: files.length,
    downloads: lock.downloads.length - notReached.length,
    bytes,
    notReached,
    ownPackages: allDebs(lock).flatMap(({ local, filename }) => (local === undefined ? [] : [filename])),
  };
}

/** A hard link where the file system can: the store and the pool have the same bytes. */
async function place(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { force: true });
  await link(source, target).catch(() => copyFile(source, target));
}

/** @returns names of those that are out of reach and in a package of the lock as well */
async function fetchDownloads(lock: ImageLock, pool: string, host: Host): Promise<readonly string[]> {
  const notReached: string[] = [];
  for (const { name, url, sha256: digest, sizeBytes, insteadOf } of lock.downloads) {
    const path = join(pool, POOL_DOWNLOADS, digest);
    const size = sizeBytes === undefined ? {} : { sizeBytes };
    try {
      await host.download({ urls: [url], sha256: digest, path, ...size });
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof IntegrityError) || insteadOf === undefined) throw error;
      notReached.push(name);
    }
  }
  return notReached;
}

/** Lists as apt wants them, one for each architecture, and a Release that has their digests. */
async function writeLists(lock: ImageLock, debs: readonly DebFile[], pool: string, host: Host): Promise<void> {
  const { suite } = lock.tools;
  const dist = join(pool, 'dists', suite);
  const architectures = [...new Set(debs.map((one) => one.architecture))].filter((name) => name !== 'all').toSorted();
  const sums: string[] = [];
  for (const architecture of architectures) {
    const own = debs.filter((one) => [architecture, 'all'].includes(one.architecture));
    const text = await packageIndex(own, ({ filename }) => filename, host);
    for (const [name, bytes] of [
      ['Packages', Buffer.from(text)],
      ['Packages.gz', gzipSync(text, { level: 9 })],
    ] as const) {
      const path = `main/binary-${architecture}/${name}`;
      await mkdir(dirname(join(dist, path)), { recursive: true });
      await writeFile(join(dist, path), bytes);
      sums.push(` ${sha256(bytes)} ${bytes.length} ${path}`);
    }
  }
  const release = [
    'Origin: reswarm-os lock',
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    `Date: ${new Date(lock.asOf).toUTCString().replace('GMT', 'UTC')}`,
    `Architectures: ${architectures.join(' ')}`,
    'Components: main',
    'SHA256:',
    ...sums,
  ];
  await writeFile(join(dist, 'Release'), `${release.join('\n')}\n`);
}
