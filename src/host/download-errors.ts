import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IntegrityError, NetworkError } from '../errors.js';
import type { DownloadRequest } from './host.js';
import type { Transferred } from './transfer.js';

export function mismatch(request: DownloadRequest, url: string, got: Transferred): IntegrityError {
  const tooLong = request.sizeBytes !== undefined && got.sizeBytes > request.sizeBytes;
  const size = request.sizeBytes === undefined ? '' : ` (${request.sizeBytes} bytes)`;
  return new IntegrityError(
    'digest-mismatch',
    `${fileName(request)} from ${shown(url)} is not the file that is pinned`,
    {
      details: [
        `expected sha256 ${request.sha256}${size}`,
        tooLong ? 'found    more bytes than that' : `found    sha256 ${got.sha256} (${got.sizeBytes} bytes)`,
        `from     ${shown(url)}`,
      ],
      hints: ['A proxy or a login page may have answered instead. If the file was changed on purpose, change its pin.'],
    },
  );
}

export function offlineError(request: DownloadRequest): NetworkError {
  return new NetworkError('offline', `${fileName(request)} is not on this machine, and --offline forbids fetching it`, {
    details: [`sha256 ${request.sha256}`, ...request.urls.map((url) => `would come from ${shown(url)}`)],
    hints: ['Build once without --offline; after that, everything it needs lies in the store.'],
  });
}

/** The path that a file: URL or a plain path names; undefined for what has to be fetched. */
export function localPath(url: string): string | undefined {
  if (url.startsWith('/')) return url;
  return url.startsWith('file:') ? fileURLToPath(url) : undefined;
}

/** How a person knows the file: as its source names it, since the store may name it by its digest. */
export function fileName(request: DownloadRequest): string {
  const first = request.urls[0];
  return first === undefined
    ? basename(request.path)
    : decodeURIComponent(basename(new URL(first, 'file:///').pathname));
}

/** Without the password that may be in it. */
export function shown(url: string): string {
  const path = localPath(url);
  if (path !== undefined) return path;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
