import type { Response } from 'node-fetch';

/** What a server says of the version of a file that it sends. */
export type FileVersion = {
  readonly etag?: string;
  readonly modified?: string;
  /** Its clock when it said so. */
  readonly date?: string;
  /** Of the whole file. */
  readonly sizeBytes?: number | undefined;
};

export function versionOf({ status, headers }: Response): FileVersion {
  const total =
    status === 206 ? /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1] : headers.get('content-length');
  const entries = Object.entries({
    etag: headers.get('etag') ?? undefined,
    modified: headers.get('last-modified') ?? undefined,
    date: headers.get('date') ?? undefined,
    sizeBytes: total === null || total === undefined || !/^\d+$/.test(total) ? undefined : Number(total),
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/**
 * What names these very bytes, for If-Range; undefined where nothing does. A weak ETag names a meaning, and a file that
 * changed in the second in which it was asked for has the time of both versions (RFC 9110, 8.8.2.2 and 13.1.5).
 */
export function validatorOf({ etag, modified, date }: FileVersion): string | undefined {
  if (etag !== undefined && !etag.startsWith('W/')) return etag;
  if (modified === undefined || date === undefined) return undefined;
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : undefined;
}

/** Whether nothing speaks against two answers being of the same bytes. */
export function isSameVersion(one: FileVersion, other: FileVersion): boolean {
  const strong = (etag: string): string => etag.replace(/^W\//, '');
  const isEqual = <Value>(a: Value | undefined, b: Value | undefined): boolean =>
    a === undefined || b === undefined || a === b;
  const [a, b] = [one, other].map(({ etag }) => (etag === undefined ? undefined : strong(etag)));
  return isEqual(a, b) && isEqual(one.modified, other.modified) && isEqual(one.sizeBytes, other.sizeBytes);
}
