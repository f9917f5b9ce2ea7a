import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Response } from 'node-fetch';
import { rangeStart, requestBytes } from './request-bytes.js';
import { isLastingFault, isNetworkFault, reasonOf } from './network-fault.js';
import type { PartFile } from './part-file.js';
import { Patience } from './patience.js';
import type { ProxySettings } from './proxy.js';
import { isTransientStatus, parseRetryAfter } from './retry.js';

export type TransferLimits = {
  /** Until the answer's headers are there, redirects included. */
  readonly connectTimeoutMs: number;
  /** Without a single byte. */
  readonly idleTimeoutMs: number;
};

export const DEFAULT_LIMITS: TransferLimits = { connectTimeoutMs: 30_000, idleTimeoutMs: 30_000 };

export type Transfer = {
  readonly part: PartFile;
  readonly expectedBytes?: number;
  readonly signal: AbortSignal;
  readonly proxy: ProxySettings;
  readonly limits: TransferLimits;
  readonly onBytes: (doneBytes: number, totalBytes: number) => void;
};

/** Bytes that are all there as far as the server is concerned; whether they are the right ones is for the caller. */
export type Transferred = {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** How many of them were left over from an earlier try. */
  readonly resumedBytes: number;
};

/** One try of one URL that came to nothing. What arrived is in the part file, for the next one. */
export class TransferFailure extends Error {
  constructor(
    message: string,
    readonly transient: boolean,
    readonly retryAfterMs?: number,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** Copies a file of this machine; there is nothing to resume. */
export async function copyLocal(path: string, transfer: Transfer): Promise<Transferred> {
  await transfer.part.discard();
  const file = await open(transfer.part.path, 'w', 0o644);
  try {
    return await receive(createReadStream(path, { signal: transfer.signal }), file, transfer, {
      startBytes: 0,
      totalBytes: transfer.expectedBytes ?? 0,
      hash: createHash('sha256'),
      onArrival: () => undefined,
    });
  } finally {
    await file.close();
  }
}

/** Fetches what is missing of a URL into the part file, or all of it when the server has something else by now. */
export async function fetchOverHttp(url: URL, transfer: Transfer): Promise<Transferred> {
  const { part, expectedBytes } = transfer;
  const present = await part.read(url.href);
  if (expectedBytes !== undefined && present.sizeBytes === expectedBytes) {
    return { sizeBytes: expectedBytes, sha256: present.hash.digest('hex'), resumedBytes: expectedBytes };
  }
  if (expectedBytes !== undefined && present.sizeBytes > expectedBytes) {
    await part.discard();
    return fetchOverHttp(url, transfer);
  }

  const patience = new Patience(transfer.signal, transfer.limits.connectTimeoutMs, 'no answer');
  try {
    const response = await request(url, present, transfer.proxy, patience.signal);
    if (response.status === 416) {
      await part.discard();
      throw new TransferFailure('the server has fewer bytes than were there already', true);
    }
    if (!response.ok) throw statusFailure(response);
    const isRest = response.status === 206 && rangeStart(response) === present.sizeBytes;
    if (response.status === 206 && !isRest) {
      await part.discard();
      throw new TransferFailure('the server answered with another range than the one asked for', true);
    }
    const startBytes = isRest ? present.sizeBytes : 0;
    const bodyBytes = Number(response.headers.get('content-length') ?? Number.NaN);
    const totalBytes = Number.isNaN(bodyBytes) ? undefined : startBytes + bodyBytes;
    if (!isRest)
      await part.rememberOrigin(url.href, response.headers.get('etag'), response.headers.get('last-modified'));
    if (response.body === null) throw new TransferFailure('the answer has no body', true);

    patience.expect(transfer.limits.idleTimeoutMs, 'no more bytes');
    const file = await open(part.path, isRest ? 'a' : 'w', 0o644);
    try {
      return await receive(response.body, file, transfer, {
        startBytes,
        totalBytes: totalBytes ?? expectedBytes ?? 0,
        hash: isRest ? present.hash : createHash('sha256'),
        onArrival: () => {
          patience.expect(transfer.limits.idleTimeoutMs, 'no more bytes');
        },
      });
    } finally {
      await file.close();
    }
  } catch (error) {
    throw patience.ranOut === undefined ? error : new TransferFailure(patience.ranOut, true);
  } finally {
    patience.end();
  }
}

type Reception = {
  readonly startBytes: number;
  readonly totalBytes: number;
  readonly hash: Hash;
  readonly onArrival: () => void;
};

async function receive(
  body: NodeJS.ReadableStream,
  file: FileHandle,
  transfer: Transfer,
  { startBytes, totalBytes, hash, onArrival }: Reception,
): Promise<Transferred> {
  const { expectedBytes, onBytes } = transfer;
  let doneBytes = startBytes;
  onBytes(doneBytes, totalBytes);
  try {
    for await (const piece of body) {
      onArrival();
      const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
      await file.appendFile(chunk);
      hash.update(chunk);
      doneBytes += chunk.length;
      onBytes(doneBytes, totalBytes);
      // Too much is wrong already; what a broken server sends for ever must not fill the disk.
      if (expectedBytes !== undefined && doneBytes > expectedBytes) break;
    }
  } catch (error) {
    if (isNetworkFault(error)) throw new TransferFailure(reasonOf(error), true);
    throw error;
  }
  if (doneBytes < totalBytes && doneBytes < (expectedBytes ?? totalBytes)) {
    throw new TransferFailure(`ended after ${doneBytes} of ${totalBytes} bytes`, true);
  }
  await file.sync();
  return { sizeBytes: doneBytes, sha256: hash.digest('hex'), resumedBytes: startBytes };
}

async function request(
  url: URL,
  present: { readonly sizeBytes: number; readonly validator?: string },
  proxy: ProxySettings,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await requestBytes(url, present.sizeBytes, present.validator, proxy, signal);
  } catch (error) {
    if (isNetworkFault(error)) throw new TransferFailure(reasonOf(error), !isLastingFault(error));
    throw error;
  }
}

export function statusFailure(response: Response): TransferFailure {
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), Date.now());
  const text = `the server answered ${response.status} ${response.statusText}`.trimEnd();
  return new TransferFailure(text, isTransientStatus(response.status), retryAfterMs);
}
