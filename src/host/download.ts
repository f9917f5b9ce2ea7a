import type { DownloadRequest } from './host.js';
import { chmod, mkdir, rename, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError, IntegrityError, NetworkError, ReswarmError } from '../errors.js';
import { diskFull } from './disk-full.js';
import { fileName, localPath, mismatch, offlineError, shown } from './download-errors.js';
import { withFileLock } from './file-lock.js';
import { systemCode } from './network-fault.js';
import { fileSha256 } from './file-digest.js';
import { fileSize, PartFile } from './part-file.js';
import { proxySettings } from './proxy.js';
import type { RetryPolicy } from './retry.js';
import { backoffMs, defaultRetryPolicy } from './retry.js';
import { etaSeconds, TransferRate } from './transfer-rate.js';
import type { Transfer, TransferLimits, Transferred } from './transfer.js';
import { copyLocal, DEFAULT_LIMITS, fetchOverHttp, TransferFailure } from './transfer.js';

const MAKE_ROOM = 'Make room (`reswarm-os cache prune`), or set XDG_CACHE_HOME to a folder on a larger disk.';

export type DownloadOptions = {
  readonly signal: AbortSignal;
  /** Only file: URLs and paths may be read. */
  readonly offline: boolean;
  /** http_proxy, https_proxy and no_proxy are read from it, as curl does. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly retry?: RetryPolicy;
  readonly limits?: TransferLimits;
};

const PROGRESS_EVERY_MS = 200;

/**
 * Brings a pinned file to `request.path`, unless it is there already. What a cut connection leaves behind stays as
 * `<path>.part` and is continued, by this call or a later one. Two processes that want the same file take turns.
 *
 * Throws NetworkError `download-failed` or `offline`, IntegrityError `digest-mismatch`, ReswarmError `disk-full`,
 * InterruptedError when the signal aborts.
 */
export async function downloadFile(request: DownloadRequest, options: DownloadOptions): Promise<void> {
  if (await isThere(request)) return;
  await mkdir(dirname(request.path), { recursive: true });
  const { signal } = options;
  try {
    await withFileLock(`${request.path}.locked`, { signal }, async () => {
      if (await isThere(request)) return;
      await fetchFromAny(request, options);
    });
  } catch (error) {
    throw abortedBy(signal) ?? error;
  }
}

async function fetchFromAny(request: DownloadRequest, options: DownloadOptions): Promise<void> {
  const urls = options.offline ? request.urls.filter((url) => localPath(url) !== undefined) : request.urls;
  if (urls.length === 0) throw offlineError(request);
  const part = new PartFile(request.path);
  const failures: { readonly url: string; readonly error: NetworkError | IntegrityError }[] = [];
  for (const url of urls) {
    try {
      await fetchFrom(url, part, request, options);
      return;
    } catch (thrown) {
      const error = await asFailure(thrown, part, request, options.signal);
      if (!(error instanceof NetworkError || error instanceof IntegrityError)) throw error;
      failures.push({ url, error });
    }
  }
  const worst = failures.find(({ error }) => error instanceof IntegrityError) ?? failures[0];
  const others = failures.filter((failure) => failure !== worst).map(({ error }) => `also: ${error.message}`);
  if (worst === undefined || others.length === 0) throw worst?.error ?? offlineError(request);
  const { code, message, details, hints } = worst.error;
  const Kind = worst.error instanceof IntegrityError ? IntegrityError : NetworkError;
  throw new Kind(code, message, { details: [...details, ...others], hints, cause: worst.error });
}

/** One URL, as often as it is worth it. */
async function fetchFrom(
  url: string,
  part: PartFile,
  request: DownloadRequest,
  options: DownloadOptions,
): Promise<void> {
  const policy = options.retry ?? defaultRetryPolicy;
  await refuseFullDisk(request, part);
  const transfer: Transfer = {
    part,
    ...(request.sizeBytes === undefined ? {} : { expectedBytes: request.sizeBytes }),
    signal: options.signal,
    proxy: proxySettings(options.environment ?? {}),
    limits: options.limits ?? DEFAULT_LIMITS,
    onBytes: progressOf(request),
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const local = localPath(url);
      const got = local === undefined ? await fetchOverHttp(new URL(url), transfer) : await copyLocal(local, transfer);
      if (matches(got, request)) {
        await keep(part, request.path);
        return;
      }
      await part.discard();
      // The left-over may have been of another version: that is no reason to distrust the server.
      if (got.resumedBytes > 0 && attempt < policy.attempts) continue;
      throw mismatch(request, url, got);
    } catch (error) {
      if (!(error instanceof TransferFailure) || options.signal.aborted) throw error;
      const pauseMs = error.retryAfterMs ?? backoffMs(policy, attempt, Math.random());
      if (!error.transient || attempt >= policy.attempts || pauseMs > policy.maxRetryAfterMs) {
        throw new NetworkError(
          'download-failed',
          `${fileName(request)} could not be fetched from ${shown(url)}: ${error.message}`,
          {
            hints: ['Check the network and the proxy settings (http_proxy, https_proxy, no_proxy), then start again.'],
            cause: error,
          },
        );
      }
      await sleep(pauseMs, undefined, { signal: options.signal });
    }
  }
}

async function isThere(request: DownloadRequest): Promise<boolean> {
  const sizeBytes = await fileSize(request.path);
  if (sizeBytes === undefined || (request.sizeBytes !== undefined && request.sizeBytes !== sizeBytes)) return false;
  return (await fileSha256(request.path)) === request.sha256;
}

function matches(got: Transferred, request: DownloadRequest): boolean {
  return got.sha256 === request.sha256 && (request.sizeBytes === undefined || got.sizeBytes === request.sizeBytes);
}

async function keep(part: PartFile, path: string): Promise<void> {
  await chmod(part.path, 0o644);
  await rename(part.path, path);
  await part.forgetOrigin();
}

/** Turns what the system says into what a person can use; keeps the rest as it is. */
async function asFailure(
  error: unknown,
  part: PartFile,
  request: DownloadRequest,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted) return interruption(signal);
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    await part.discard();
    return noRoomFor(request);
  }
  const path = error instanceof Error && 'path' in error ? error.path : undefined;
  if (code !== undefined && ['ENOENT', 'EACCES', 'EISDIR'].includes(code) && path !== part.path) {
    return new NetworkError('download-failed', `${fileName(request)} could not be read: ${(error as Error).message}`);
  }
  return error;
}

async function refuseFullDisk(request: DownloadRequest, part: PartFile): Promise<void> {
  if (request.sizeBytes === undefined) return;
  const { bavail, bsize } = await statfs(dirname(request.path));
  const missingBytes = request.sizeBytes - ((await fileSize(part.path)) ?? 0);
  if (bavail * bsize < missingBytes) throw noRoomFor(request, bavail * bsize);
}

function noRoomFor(request: DownloadRequest, freeBytes?: number): ReswarmError {
  return diskFull({
    folder: dirname(request.path),
    what: fileName(request),
    ...(request.sizeBytes === undefined ? {} : { neededBytes: request.sizeBytes }),
    ...(freeBytes === undefined ? {} : { freeBytes }),
    hint: MAKE_ROOM,
  });
}

function progressOf(request: DownloadRequest): (doneBytes: number, totalBytes: number) => void {
  const rate = new TransferRate();
  let lastMs = Number.NEGATIVE_INFINITY;
  return (doneBytes, totalBytes) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < PROGRESS_EVERY_MS && doneBytes !== totalBytes) return;
    lastMs = nowMs;
    const bytesPerSecond = rate.sample(doneBytes, nowMs);
    const eta = etaSeconds(doneBytes, totalBytes, bytesPerSecond);
    request.onProgress?.({ doneBytes, totalBytes, bytesPerSecond, ...(eta === undefined ? {} : { etaSeconds: eta }) });
  };
}

function abortedBy(signal: AbortSignal): ReswarmError | undefined {
  return signal.aborted ? interruption(signal) : undefined;
}

function interruption(signal: AbortSignal): ReswarmError {
  return signal.reason instanceof ReswarmError ? signal.reason : new InterruptedError('a signal');
}
