import { describe, expect, it } from 'vitest';
import { proxyFor, proxySettings } from '../../../src/host/proxy.js';

const settings = { http: 'http://plain.example.org:3128', https: 'secure.example.org:8080' };

function proxyOf(url: string, noProxy?: string): string | undefined {
  return proxyFor(new URL(url), { ...settings, ...(noProxy === undefined ? {} : { noProxy }) })?.href;
}

describe('proxyFor', () => {
  it('chooses by the scheme of the URL; a proxy without a scheme speaks HTTP', () => {
    expect(proxyOf('http://a.example.org/')).toBe('http://plain.example.org:3128/');
    expect(proxyOf('https://a.example.org/')).toBe('http://secure.example.org:8080/');
  });

  it.each([
    ['http://a.example.org/', '*', true],
    ['http://a.example.org/', 'example.org', true],
    ['http://a.example.org/', '.example.org', true],
    ['http://a.example.org/', '*.example.org', true],
    ['http://A.Example.Org/', 'localhost, example.ORG', true],
    ['http://example.org/', '.example.org', true],
    ['http://notexample.org/', 'example.org', false],
    ['http://a.example.org/', 'b.example.org', false],
    ['http://a.example.org:8080/', 'example.org:8080', true],
    ['http://a.example.org/', 'example.org:8080', false],
    ['https://a.example.org/', 'example.org:443', true],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://11.1.2.3/', '10.0.0.0/8', false],
    ['http://10.1.2.3/', '10.1.2.3', true],
    ['http://10.1.2.3/', '10.0.0.0/99', false],
    ['http://[fd00::1]/', 'fd00::/8', true],
    ['http://[fd00::1]/', 'fd00::1', true],
    ['http://a.example.org/', '', false],
  ])('%s with no_proxy %j goes directly: %j', (url, noProxy, direct) => {
    expect(proxyOf(url, noProxy) === undefined).toBe(direct);
  });

  it.each(['socks5://127.0.0.1', 'ftp://a', 'http://'])('refuses the proxy %s', (http) => {
    expect(() => proxyFor(new URL('http://a.example.org'), { http })).toThrow(
      expect.objectContaining({ code: 'proxy-unsupported' }),
    );
  });
});

it('reads the environment as curl does', () => {
  expect(proxySettings({ HTTP_PROXY: 'x', HTTPS_PROXY: 's', NO_PROXY: 'n' })).toEqual({ https: 's', noProxy: 'n' });
  expect(proxySettings({ http_proxy: 'a', https_proxy: 'b', HTTPS_PROXY: 's', no_proxy: 'c' })).toEqual({
    http: 'a',
    https: 'b',
    noProxy: 'c',
  });
});
