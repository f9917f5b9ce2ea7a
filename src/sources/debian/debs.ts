import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PinnedPackageFile } from '../../model/packages.js';
import { poolUrls } from './apt-sources.js';
import type { DebFile, LockedPackage } from './packages.js';
import type { StageContext } from '../../pipeline/stage.js';

/** More do not make a mirror faster; each waits for a connection of its own most of the time. */
export const PARALLEL_DOWNLOADS = 8;

/**
 * Brings locked packages to this machine, into a pool that all builds share; what lies there with the right digest is
 * not fetched again. The digests come from lists whose signature apt has checked.
 *
 * @param sources the sources.list that the lock was made with
 * @param local files of the user's, for locked packages that are such
 * Throws NetworkError or IntegrityError of the download.
 */
export async function fetchDebs(
  packages: readonly LockedPackage[],
  sources: string,
  { host, report, shared }: Pick<StageContext, 'host' | 'report' | 'shared'>,
  local: readonly PinnedPackageFile[] = [],
): Promise<readonly DebFile[]> {
  const pool = join(shared.downloads, 'debs');
  await mkdir(pool, { recursive: true });
  const total = packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  return mapParallel(packages, PARALLEL_DOWNLOADS, async (one) => {
    const path = join(pool, debName(one));
    const urls = one.local === true ? urlsOfFile(one, local) : poolUrls(sources, one.filename);
    await host.download({ urls, sha256: one.sha256, sizeBytes: one.sizeBytes, path });
    done += one.sizeBytes;
    report.progress({ done, total, unit: 'bytes', text: one.name });
    return { ...one, path };
  });
}

/** A locked file is found by its digest: where it lies on this machine is not part of a lock. */
function urlsOfFile({ sha256 }: LockedPackage, local: readonly PinnedPackageFile[]): readonly string[] {
  return local.filter((file) => file.sha256 === sha256).map(({ path }) => pathToFileURL(path).href);
}

/** As apt names it in its cache: the epoch's colon is escaped. */
export function debName({ name, version, architecture, sha256, local }: LockedPackage): string {
  // A file of the user's may be called as one of the archive, and be another.
  const own = local === true ? `.${sha256.slice(0, 16)}` : '';
  return basename(`${name}_${version.replaceAll(':', '%3a')}_${architecture}${own}.deb`);
}

/** `Promise.all` with at most `limit` at a time; after a failure nothing new is started. */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  body: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  const queue = items.entries();
  let failed = false;
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await body(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return results;
}
