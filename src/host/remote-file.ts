import { setTimeout as sleep } from 'node:timers/promises';
import type { Response } from 'node-fetch';
import { InterruptedError, NetworkError } from '../errors.js';
import { isWebPage } from '../model/web-page.js';
import { rangeStart, requestBytes } from './request-bytes.js';
import { isLastingFault, isNetworkFault, reasonOf } from './network-fault.js';
import { Patience } from './patience.js';
import type { ProxySettings } from './proxy.js';
import { proxySettings } from './proxy.js';
import { changedMeanwhile, cutOff, lastingAnswer, shownUrl, transferError, wrongLength } from './remote-errors.js';
import type { RetryPolicy } from './retry.js';
import { backoffMs, defaultRetryPolicy } from './retry.js';
import type { TransferLimits } from './transfer.js';
import { DEFAULT_LIMITS, statusFailure, TransferFailure } from './transfer.js';
import type { FileVersion } from './file-version.js';
import { isSameVersion, validatorOf, versionOf } from './file-version.js';

/** A file of a web server that is read forwards, and kept nowhere. */
export interface RemoteFile {
  /** Known once it has begun to come, where the server says it. */
  readonly sizeBytes: number | undefined;
  /**
   * All of it, from its beginning; may be called again. What a cut connection left out is asked for where the server
   * can go on from there and it is sure to be the same version. Throws NetworkError `download-not-found`,
   * `download-forbidden`, `download-redirected`, `download-tls`, `download-dns`, `download-cut`, `download-wrong-length`, `download-failed`,
   * `offline`, IntegrityError `image-changed`, InterruptedError.
   */
  stream(): AsyncIterable<Uint8Array>;
}

export type RemoteOptions = {
  readonly signal: AbortSignal;
  readonly offline: boolean;
  readonly proxy: ProxySettings;
  readonly retry: RetryPolicy;
  readonly limits: TransferLimits;
};

export function remoteOptions(
  signal: AbortSignal,
  offline: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): RemoteOptions {
  return { signal, offline, proxy: proxySettings(environment), retry: defaultRetryPolicy, limits: DEFAULT_LIMITS };
}

export class HttpFile implements RemoteFile {
  private version: FileVersion | undefined;
  /** Where redirects led to: the rest is first asked for there. */
  private place: URL | undefined;

  constructor(
    private readonly url: URL,
    private readonly options: RemoteOptions,
  ) {}

  get sizeBytes(): number | undefined {
    return this.version?.sizeBytes;
  }

  async *stream(): AsyncIterable<Uint8Array> {
    const { signal, offline, retry } = this.options;
    if (offline) throw offlineError(this.url);
    let position = 0;
    for (let failures = 0; ;) {
      signal.throwIfAborted();
      const before = position;
      try {
        for await (const bytes of this.bytesFrom(position)) {
          position += bytes.length;
          yield bytes;
        }
        return;
      } catch (error) {
        if (signal.aborted) throw interruption(signal);
        if (!(error instanceof TransferFailure)) throw error;
        failures = position > before ? 1 : failures + 1;
        const pauseMs = error.retryAfterMs ?? backoffMs(retry, failures, Math.random());
        if (!error.transient || failures >= retry.attempts || pauseMs > retry.maxRetryAfterMs) {
          throw transferError(this.url, error, { position, sizeBytes: this.sizeBytes });
        }
        if (position > 0 && this.validator === undefined) {
          throw cutOff(this.url, error, { position, sizeBytes: this.sizeBytes });
        }
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private get validator(): string | undefined {
    return this.version === undefined ? undefined : validatorOf(this.version);
  }

  private async *bytesFrom(position: number): AsyncIterable<Uint8Array> {
    const { signal, limits } = this.options;
    const patience = new Patience(signal, limits.connectTimeoutMs, 'no answer');
    try {
      const response = await this.ask(position, patience.signal);
      this.requireGood(response, position);
      const totalBytes = this.sizeBytes;
      let done = position;
      patience.expect(limits.idleTimeoutMs, 'no more bytes');
      for await (const piece of response.body ?? []) {
        patience.rest();
        const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
        done += bytes.length;
        if (totalBytes !== undefined && done > totalBytes) throw changedMeanwhile(this.url);
        yield bytes;
        patience.expect(limits.idleTimeoutMs, 'no more bytes');
      }
      if (totalBytes === undefined || done >= totalBytes) return;
      throw new TransferFailure(`it ended after ${done} of ${totalBytes} bytes`, true);
    } catch (error) {
      if (patience.ranOut !== undefined) throw new TransferFailure(patience.ranOut, true);
      if (!isNetworkFault(error)) throw error;
      throw new TransferFailure(reasonOf(error), !isLastingFault(error), undefined, error);
    } finally {
      patience.end();
    }
  }

  private async ask(position: number, signal: AbortSignal): Promise<Response> {
    const { proxy } = this.options;
    const rest = (url: URL): Promise<Response> => requestBytes(url, position, this.validator, proxy, signal);
    if (position === 0 || this.place === undefined) return rest(this.url);
    const response = await rest(this.place);
    // A place that was good for minutes only.
    if (response.ok || response.status === 416) return response;
    return rest(this.url);
  }

  /** Notes the version at the first answer; later ones must be of the same. */
  private requireGood(response: Response, position: number): void {
    if (position > 0 && response.status === 416) throw this.otherVersion({ ...this.version, sizeBytes: position });
    if (!response.ok) {
      const lasting = lastingAnswer(this.url, response.status);
      if (lasting !== undefined) throw lasting;
      throw statusFailure(response);
    }
    const isRest = response.status === 206;
    if (isRest && rangeStart(response) !== position) {
      throw new TransferFailure('the server answered with another range than the one asked for', false);
    }
    const version = versionOf(response);
    if (this.version !== undefined && !isSameVersion(this.version, version)) throw this.otherVersion(version);
    if (position > 0 && !isRest) {
      const why = new TransferFailure('the server does not send the rest of a file', false);
      throw cutOff(this.url, why, { position, sizeBytes: this.sizeBytes });
    }
    if (position > 0) return;
    this.version ??= version;
    this.place = URL.canParse(response.url) ? this.withPassword(new URL(response.url)) : undefined;
  }

  private otherVersion(other: FileVersion): Error {
    const [announced, sizeBytes] = [this.sizeBytes, other.sizeBytes];
    const isSameFile = this.validator !== undefined && isSameVersion({ ...this.version, sizeBytes }, other);
    if (!isSameFile || announced === undefined || sizeBytes === undefined) return changedMeanwhile(this.url);
    return wrongLength(this.url, announced, sizeBytes);
  }

  /** For the same server only. */
  private withPassword(place: URL): URL {
    if (place.origin !== this.url.origin) return place;
    place.username = this.url.username;
    place.password = this.url.password;
    return place;
  }
}

/** A small text; undefined where the server has none, or has a page or anything but a text in its place. */
export async function readText(file: RemoteFile, mostBytes: number): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const bytes of file.stream()) {
      parts.push(bytes);
      sizeBytes += bytes.length;
      if (sizeBytes > mostBytes) return undefined;
    }
  } catch (error) {
    const isAbsent = error instanceof NetworkError && ABSENT.has(error.code);
    if (isAbsent) return undefined;
    throw error;
  }
  const text = Buffer.concat(parts).toString('utf8');
  return text.includes('\0') || isWebPage(text) ? undefined : text;
}

/** Some servers answer so for what they do not have. */
const ABSENT: ReadonlySet<string> = new Set(['download-not-found', 'download-forbidden']);

function offlineError(url: URL): NetworkError {
  return new NetworkError('offline', `${shownUrl(url)} is not fetched: --offline forbids it`, {
    hints: ['Name an image file of this machine, or leave --offline out.'],
  });
}

function interruption(signal: AbortSignal): InterruptedError {
  return signal.reason instanceof InterruptedError ? signal.reason : new InterruptedError('a signal');
}
