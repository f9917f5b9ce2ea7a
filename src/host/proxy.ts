import type { Agent } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { UserError } from '../errors.js';

/** The values of http_proxy, https_proxy and no_proxy. */
export type ProxySettings = {
  readonly http?: string;
  readonly https?: string;
  readonly noProxy?: string;
};

/** The proxy that a URL goes through; undefined when it is reached directly. Throws UserError `proxy-unsupported`. */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const value = url.protocol === 'https:' ? settings.https : settings.http;
  if (value === undefined || value === '' || bypassesProxy(url, settings.noProxy ?? '')) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !['http:', 'https:'].includes(proxy.protocol)) {
    throw new UserError('proxy-unsupported', `The proxy ${value} is not an http:// or https:// address`, {
      hints: ['Set http_proxy and https_proxy to an HTTP proxy, or unset them.'],
    });
  }
  return proxy;
}

/** The connection agent for a URL: one through the proxy, or none, which means Node's own. */
export function agentFor(url: URL, settings: ProxySettings): Agent | undefined {
  const proxy = proxyFor(url, settings);
  if (proxy === undefined) return undefined;
  return url.protocol === 'https:' ? new HttpsProxyAgent(proxy) : new HttpProxyAgent(proxy);
}

/**
 * no_proxy as curl reads it: names separated by commas or blanks, each matches itself and what lies below it,
 * with an optional port; `*` matches all; addresses may be networks (10.0.0.0/8).
 */
function bypassesProxy(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return isInNetwork(host, entry);
      if (isIP(entry) !== 0) return entry === host;
      const match = /^(?:\*?\.)?(.+?)(?::(\d+))?$/.exec(entry);
      const name = match?.[1] ?? entry;
      if (match?.[2] !== undefined && match[2] !== port) return false;
      return host === name || host.endsWith(`.${name}`);
    });
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', prefix = ''] = network.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(prefix)) return false;
  if (Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(address, Number(prefix), type);
  return list.check(host, type);
}

/** From the environment as curl reads it: lower case first, and HTTP_PROXY in capitals not at all (httpoxy). */
export function proxySettings(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const http = environment.http_proxy;
  const https = environment.https_proxy ?? environment.HTTPS_PROXY;
  const noProxy = environment.no_proxy ?? environment.NO_PROXY;
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(noProxy === undefined ? {} : { noProxy }),
  };
}
