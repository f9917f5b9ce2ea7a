import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError, IntegrityError, NetworkError } from '../../../src/errors.js';
import type { DownloadOptions } from '../../../src/host/download.js';
import type { DownloadProgress, DownloadRequest } from '../../../src/host/host.js';
import { downloadFile } from '../../../src/host/download.js';
import { cutAfter, serve, startServer, status } from '../../helpers/fault-server.js';

const bytes = randomBytes(300_000);
const wrongBytes = randomBytes(300_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const wrongSha256 = createHash('sha256').update(wrongBytes).digest('hex');

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-'));
  path = join(folder, 'cache', 'start4.elf');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function download(urls: string[], options: Partial<DownloadOptions> = {}, request: Partial<DownloadRequest> = {}) {
  return downloadFile(
    { urls, sha256, sizeBytes: bytes.length, path, ...request },
    {
      signal: new AbortController().signal,
      offline: false,
      retry: { attempts: 4, firstDelayMs: 5, maxDelayMs: 20, maxRetryAfterMs: 3000 },
      limits: { connectTimeoutMs: 400, idleTimeoutMs: 400 },
      ...options,
    },
  );
}

/** sha256sum reads the result back, so that our own hashing is not its own witness. */
function sha256sum(file: string): string {
  return execFileSync('/usr/bin/env', ['sha256sum', file], { encoding: 'utf8' }).slice(0, 64);
}

async function leavesOnly(...names: string[]) {
  expect((await readdir(join(folder, 'cache'))).sort()).toEqual(names.sort());
}

describe('downloadFile', () => {
  it('brings a whole, verified, readable file under its final name and nothing else', async () => {
    await using server = await startServer(serve(bytes));
    await download([`${server.url}/boot/start4.elf`]);
    expect(sha256sum(path)).toBe(sha256);
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    await leavesOnly('start4.elf');
  });

  it('asks no server for a file that is there and right', async () => {
    await using server = await startServer(serve(bytes));
    await download([`${server.url}/a`]);
    await download([`${server.url}/a`]);
    expect(server.requests).toHaveLength(1);
  });

  it('replaces a file of that name whose bytes are wrong', async () => {
    await using server = await startServer(serve(bytes));
    await mkdir(join(folder, 'cache'));
    await writeFile(path, wrongBytes);
    await download([`${server.url}/a`]);
    expect(sha256sum(path)).toBe(sha256);
  });

  it('goes on where a cut connection stopped, with If-Range', async () => {
    await using server = await startServer(cutAfter(100_000, bytes), serve(bytes));
    await download([`${server.url}/a`]);
    expect(server.requests[1]?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"one"' });
    expect(sha256sum(path)).toBe(sha256);
    await leavesOnly('start4.elf');
  });

  it('goes on with what an earlier process left', async () => {
    await using server = await startServer(serve(bytes));
    await mkdir(join(folder, 'cache'));
    await writeFile(`${path}.part`, bytes.subarray(0, 123_456));
    await download([`${server.url}/a`]);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual(['bytes=123456-']);
    expect(sha256sum(path)).toBe(sha256);
  });

  it('fetches nothing when all bytes of the left-over are there', async () => {
    await using server = await startServer(serve(bytes));
    await mkdir(join(folder, 'cache'));
    await writeFile(`${path}.part`, bytes);
    await download([`${server.url}/a`]);
    expect(server.requests).toEqual([]);
    expect(sha256sum(path)).toBe(sha256);
  });

  it.each([
    ['of another version', randomBytes(5000)],
    ['longer than the file', Buffer.concat([bytes, bytes])],
    ['as long as the file, but wrong', wrongBytes],
  ])('starts over when the left-over is %s', async (_what, leftOver) => {
    await using server = await startServer(serve(bytes));
    await mkdir(join(folder, 'cache'));
    await writeFile(`${path}.part`, leftOver);
    await download([`${server.url}/a`]);
    expect(sha256sum(path)).toBe(sha256);
    await leavesOnly('start4.elf');
  });

  it('starts over when the server does not know ranges', async () => {
    await using server = await startServer(cutAfter(100_000, bytes), (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    await download([`${server.url}/a`]);
    expect(server.requests[1]?.headers.range).toBe('bytes=100000-');
    expect(sha256sum(path)).toBe(sha256);
  });

  it('starts over when the file changed on the server between two tries', async () => {
    await using server = await startServer(cutAfter(100_000, wrongBytes, '"old"'), serve(bytes, '"new"'));
    await download([`${server.url}/a`]);
    expect(server.requests[1]?.headers['if-range']).toBe('"old"');
    expect(sha256sum(path)).toBe(sha256);
  });

  it('starts over when the server sends another range than the one asked for', async () => {
    await using server = await startServer(
      cutAfter(100_000, bytes),
      (_request, response) => {
        response.writeHead(206, { 'content-range': `bytes 7-${bytes.length - 1}/${bytes.length}` });
        response.end(bytes.subarray(7));
      },
      serve(bytes),
    );
    await download([`${server.url}/a`]);
    expect(sha256sum(path)).toBe(sha256);
  });

  it('never sends a weak ETag as If-Range', async () => {
    await using server = await startServer(cutAfter(100_000, bytes, 'W/"weak"'), serve(bytes));
    await download([`${server.url}/a`]);
    expect(server.requests[1]?.headers['if-range']).toBeUndefined();
    expect(sha256sum(path)).toBe(sha256);
  });

  it('does not take a short answer without a length for the file', async () => {
    await using server = await startServer((_request, response) => {
      response.writeHead(200).end(bytes.subarray(0, 1000));
    }, serve(bytes));
    await download([`${server.url}/a`]);
    expect(server.requests).toHaveLength(2);
    expect(sha256sum(path)).toBe(sha256);
  });

  it.each([500, 502, 503, 429, 408])('tries again after status %i', async (code) => {
    await using server = await startServer(status(code), status(code), serve(bytes));
    await download([`${server.url}/a`]);
    expect(server.requests).toHaveLength(3);
  });

  it('waits as long as Retry-After says', async () => {
    await using server = await startServer(status(503, { 'retry-after': '1' }), serve(bytes));
    const started = performance.now();
    await download([`${server.url}/a`]);
    expect(performance.now() - started).toBeGreaterThan(950);
  });

  it('does not wait for a server that asks for a very long pause', async () => {
    await using server = await startServer(status(503, { 'retry-after': '86400' }));
    await expect(download([`${server.url}/a`])).rejects.toMatchObject({ code: 'download-failed' });
    expect(server.requests).toHaveLength(1);
  });

  it.each([400, 401, 403, 404, 410])('takes status %i as the last word', async (code) => {
    await using server = await startServer(status(code));
    const failing = download([`${server.url}/boot/start4.elf`]);
    await expect(failing).rejects.toBeInstanceOf(NetworkError);
    await expect(failing).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(new RegExp(`^start4.elf .*${server.url}/boot/start4.elf.*${code}`)) as string,
    });
    expect(server.requests).toHaveLength(1);
    await leavesOnly();
  });

  it('gives up after as many tries as the policy has', async () => {
    await using server = await startServer(status(503));
    await expect(download([`${server.url}/a`])).rejects.toMatchObject({ code: 'download-failed' });
    expect(server.requests).toHaveLength(4);
  });

  it('reports a port that nobody listens on', async () => {
    const server = await startServer(serve(bytes));
    await server[Symbol.asyncDispose]();
    await expect(download([`${server.url}/a`])).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('does not wait for ever for an answer', async () => {
    await using server = await startServer(() => undefined, serve(bytes));
    await download([`${server.url}/a`]);
    expect(server.requests).toHaveLength(2);
  });

  it('does not wait for ever for the rest of an answer, and keeps what came', async () => {
    await using server = await startServer((_request, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': bytes.length });
      response.write(bytes.subarray(0, 50_000));
    }, serve(bytes));
    await download([`${server.url}/a`]);
    expect(server.requests[1]?.headers.range).toBe('bytes=50000-');
    expect(sha256sum(path)).toBe(sha256);
  });

  it('follows redirects, relative ones too', async () => {
    await using server = await startServer(
      status(302, { location: '/elsewhere' }),
      status(301, { location: '/there' }),
      serve(bytes),
    );
    await download([`${server.url}/a`]);
    expect(server.requests.map(({ url }) => url)).toEqual(['/a', '/elsewhere', '/there']);
    expect(sha256sum(path)).toBe(sha256);
  });

  it('does not follow redirects in a circle', async () => {
    await using server = await startServer(status(302, { location: '/again' }));
    await expect(download([`${server.url}/a`])).rejects.toMatchObject({ code: 'download-failed' });
    expect(server.requests).toHaveLength(11);
  });

  it('refuses wrong bytes, names file, digests and URL, and keeps nothing of them', async () => {
    await using server = await startServer(serve(wrongBytes));
    const failing = download([`${server.url}/boot/start4.elf`]);
    await expect(failing).rejects.toBeInstanceOf(IntegrityError);
    await expect(failing).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining('start4.elf') as string,
      details: [
        expect.stringContaining(sha256),
        expect.stringContaining(wrongSha256),
        expect.stringContaining(`${server.url}/boot/start4.elf`),
      ],
    });
    await leavesOnly();
  });

  it.each([
    ['too long', Buffer.concat([bytes, randomBytes(1_000_000)])],
    ['too short', bytes.subarray(0, 100)],
  ])('refuses a file that is %s', async (_what, served) => {
    await using server = await startServer(serve(served));
    await expect(download([`${server.url}/a`])).rejects.toMatchObject({ code: 'digest-mismatch' });
    await leavesOnly();
  });

  it('stops reading what a broken server sends for ever', async () => {
    let sentBytes = 0;
    await using server = await startServer((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(bytes)) sentBytes += bytes.length;
      };
      response.on('drain', more);
      more();
    });
    await expect(download([`${server.url}/a`])).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(sentBytes).toBeLessThan(50_000_000);
  });

  it('tries one URL after the other, also after wrong bytes', async () => {
    await using missing = await startServer(status(404));
    await using wrong = await startServer(serve(wrongBytes));
    await using good = await startServer(serve(bytes));
    await download([`${missing.url}/a`, `${wrong.url}/a`, `${good.url}/a`]);
    expect(sha256sum(path)).toBe(sha256);
  });

  it('names every URL when none had the file, and wrong bytes first', async () => {
    await using missing = await startServer(status(404));
    await using wrong = await startServer(serve(wrongBytes));
    const error = await download([`${missing.url}/a`, `${wrong.url}/a`]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'digest-mismatch' });
    expect((error as IntegrityError).details.join('\n')).toContain(`${missing.url}/a: the server answered 404`);
  });

  it('continues with a second mirror what the first one began', async () => {
    await using first = await startServer(cutAfter(100_000, bytes), status(404));
    await using second = await startServer(serve(bytes));
    await download([`${first.url}/a`, `${second.url}/a`]);
    expect(second.requests[0]?.headers).toMatchObject({ range: 'bytes=100000-' });
    expect(second.requests[0]?.headers['if-range']).toBeUndefined();
    expect(sha256sum(path)).toBe(sha256);
  });

  it.each([
    ['a path', (file: string) => file],
    ['a file: URL', (file: string) => pathToFileURL(file).href],
  ])('reads %s, without any network', async (_what, toUrl) => {
    const source = join(folder, 'with blank.elf');
    await writeFile(source, bytes);
    await chmod(source, 0o600);
    await download([toUrl(source)], { offline: true });
    expect(sha256sum(path)).toBe(sha256);
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  it('reports a path that is not there', async () => {
    await expect(download([join(folder, 'nowhere.elf')])).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('nowhere.elf') as string,
    });
  });

  it('asks nobody when offline, and names what is missing', async () => {
    await using server = await startServer(serve(bytes));
    await expect(download([`${server.url}/boot/start4.elf`], { offline: true })).rejects.toMatchObject({
      code: 'offline',
      message: expect.stringContaining('start4.elf') as string,
      details: [expect.stringContaining(sha256), expect.stringContaining(`${server.url}/boot/start4.elf`)],
    });
    expect(server.requests).toEqual([]);
  });

  it('keeps passwords out of its messages and sends them as they must be sent', async () => {
    await using server = await startServer(status(403));
    const url = `http://reader:s%40fe@127.0.0.1:${server.port}/a`;
    const error = await download([url]).catch((thrown: unknown) => thrown as NetworkError);
    expect(JSON.stringify(error)).not.toMatch(/s%40fe|s@fe/);
    expect((error as NetworkError).message).not.toMatch(/s%40fe|s@fe/);
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('reader:s@fe').toString('base64')}`);
  });

  it('stops at once when aborted and leaves a part that the next call continues', async () => {
    const controller = new AbortController();
    await using server = await startServer((_request, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': bytes.length });
      response.write(bytes.subarray(0, 50_000));
      setTimeout(() => {
        controller.abort(new InterruptedError('SIGTERM'));
      }, 100);
    }, serve(bytes));
    await expect(download([`${server.url}/a`], { signal: controller.signal })).rejects.toMatchObject({
      code: 'interrupted',
    });
    expect(sha256sum(`${path}.part`)).toBe(createHash('sha256').update(bytes.subarray(0, 50_000)).digest('hex'));
    await download([`${server.url}/a`]);
    expect(server.requests[1]?.headers.range).toBe('bytes=50000-');
    expect(sha256sum(path)).toBe(sha256);
  });

  it('stops at once while it waits for the next try', async () => {
    const controller = new AbortController();
    await using server = await startServer(status(503, { 'retry-after': '2' }));
    setTimeout(() => {
      controller.abort(new InterruptedError('SIGINT'));
    }, 150);
    const started = performance.now();
    await expect(download([`${server.url}/a`], { signal: controller.signal })).rejects.toBeInstanceOf(InterruptedError);
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it('lets two callers that want the same file take turns', async () => {
    await using server = await startServer((request, response) => {
      setTimeout(() => {
        serve(bytes)(request, response);
      }, 200);
    });
    await Promise.all([download([`${server.url}/a`]), download([`${server.url}/a`])]);
    expect(server.requests).toHaveLength(1);
    expect(sha256sum(path)).toBe(sha256);
    await leavesOnly('start4.elf');
  });

  it('reports progress that never goes back and ends with the whole file', async () => {
    await using server = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(bytes.subarray(sent, sent + 30_000));
        sent += 30_000;
        if (sent < bytes.length) return;
        clearInterval(timer);
        response.end();
      }, 60);
    });
    const seen: DownloadProgress[] = [];
    await download([`${server.url}/a`], {}, { onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.map(({ doneBytes }) => doneBytes)).toEqual(
      seen.map(({ doneBytes }) => doneBytes).sort((a, b) => a - b),
    );
    expect(seen.every(({ totalBytes }) => totalBytes === bytes.length)).toBe(true);
    expect(seen.at(-1)).toMatchObject({ doneBytes: bytes.length, etaSeconds: 0 });
    expect(seen[1]?.bytesPerSecond).toBeGreaterThan(100_000);
    expect(seen[1]?.bytesPerSecond).toBeLessThan(1_000_000);
  });
});

describe('downloadFile through a proxy', () => {
  it('sends http requests to the proxy that the environment names', async () => {
    await using proxy = await startServer(serve(bytes));
    await download(['http://mirror.example.org/a'], { environment: { http_proxy: proxy.url } });
    expect(proxy.requests[0]?.url).toBe('http://mirror.example.org/a');
    expect(sha256sum(path)).toBe(sha256);
  });

  it('opens a tunnel for https and reports what the proxy says', async () => {
    const targets: (string | undefined)[] = [];
    await using proxy = await startServer();
    proxy.server.on('connect', (request, socket) => {
      targets.push(request.url);
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
    });
    await expect(
      download(['https://mirror.example.org/a'], { environment: { https_proxy: proxy.url } }),
    ).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('407') as string });
    expect(targets).toEqual(['mirror.example.org:443']);
  });

  it('goes past the proxy for hosts in no_proxy', async () => {
    await using proxy = await startServer(status(500));
    await using server = await startServer(serve(bytes));
    await download([`${server.url}/a`], {
      environment: { http_proxy: proxy.url, no_proxy: 'example.org,127.0.0.0/8' },
    });
    expect(proxy.requests).toEqual([]);
  });

  it('refuses a proxy of a kind it does not speak', async () => {
    await expect(
      download(['http://mirror.example.org/a'], { environment: { http_proxy: 'socks5://127.0.0.1:1080' } }),
    ).rejects.toMatchObject({ code: 'proxy-unsupported' });
  });
});

describe('downloadFile on a full disk', () => {
  it('says so before it fetches anything when the size is known', async () => {
    await using server = await startServer(serve(bytes));
    await expect(download([`${server.url}/a`], {}, { sizeBytes: 2 ** 43 })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/needs 8192 GiB, .* are free/) as string,
    });
    expect(server.requests).toEqual([]);
  });

  it('says so in the middle when it is not, and gives the room back', async () => {
    await using server = await startServer(serve(bytes));
    await mkdir(join(folder, 'cache'));
    await symlink('/dev/full', `${path}.part`);
    await expect(download([`${server.url}/a`], {}, { sizeBytes: undefined })).rejects.toMatchObject({
      code: 'disk-full',
    });
    await leavesOnly();
  });
});

it('a client that the fault server cuts sees a cut connection (the tests above lean on it)', async () => {
  await using server = await startServer(cutAfter(1000, bytes));
  const received = await new Promise<number>((resolve) => {
    let count = 0;
    const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket
      .on('data', (chunk) => (count += chunk.length))
      .on('close', () => {
        resolve(count);
      });
  });
  expect(received).toBeGreaterThan(1000);
  expect(received).toBeLessThan(2000);
});
