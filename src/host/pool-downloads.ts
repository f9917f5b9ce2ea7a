import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { DownloadRequest, Host } from './host.js';
import { pathExists } from './path-exists.js';

/** Where a pool keeps files of the web: by their digest. */
export const POOL_DOWNLOADS = 'downloads';

/** The folder of a pool; undefined for a mirror that is not on this machine. */
export function poolFolder(mirror: string | undefined): string | undefined {
  return mirror?.startsWith('file:') === true ? fileURLToPath(mirror) : undefined;
}

/** The same host, which looks for pinned files in the pool before it asks the web. */
export function withPool(host: Host, pool: string): Host {
  const download = async (request: DownloadRequest): Promise<void> => {
    const pooled = join(pool, POOL_DOWNLOADS, request.sha256);
    const urls = (await pathExists(pooled)) ? [pooled, ...request.urls] : request.urls;
    await host.download({ ...request, urls });
  };
  return new Proxy(host, {
    get(target, name) {
      if (name === 'download') return download;
      if (name === 'until') return (signal: AbortSignal) => withPool(target.until(signal), pool);
      if (name === 'uninterrupted') return () => withPool(target.uninterrupted(), pool);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
