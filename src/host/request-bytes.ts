import type { Response } from 'node-fetch';
import fetch from 'node-fetch';
import type { ProxySettings } from './proxy.js';
import { agentFor } from './proxy.js';

/**
 * Asks for a file's bytes from `offsetBytes` on, as they are stored; redirects are followed. Throws what node-fetch
 * throws.
 *
 * @param validator of the version whose first bytes are there already: for If-Range
 */
export async function requestBytes(
  url: URL,
  offsetBytes: number,
  validator: string | undefined,
  proxy: ProxySettings,
  signal: AbortSignal,
): Promise<Response> {
  // fetch refuses a URL with a password in it, though that is how a private mirror is named.
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return fetch(bare, {
    signal,
    redirect: 'follow',
    follow: 10,
    // The bytes as they are stored: a length and a range count those.
    compress: false,
    agent: (target: URL) => agentFor(target, proxy),
    headers: {
      'User-Agent': 'reswarm-os',
      'Accept-Encoding': 'identity',
      ...(credentials === ':' ? {} : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
      ...(offsetBytes === 0 ? {} : { Range: `bytes=${offsetBytes}-` }),
      ...(offsetBytes === 0 || validator === undefined ? {} : { 'If-Range': validator }),
    },
  });
}

/** Where the part of an answer 206 begins; undefined when it does not say. */
export function rangeStart(response: Response): number | undefined {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return match === null ? undefined : Number(match[1]);
}
