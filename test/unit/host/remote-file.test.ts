import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../../src/errors.js';
import type { RemoteOptions } from '../../../src/host/remote-file.js';
import { HttpFile, readText } from '../../../src/host/remote-file.js';
import { cutAfter, type Handler, serve, startServer, status } from '../../helpers/fault-server.js';

const bytes = randomBytes(300_000);
const other = randomBytes(300_000);

function fileAt(url: string, options: Partial<RemoteOptions> = {}): HttpFile {
  return new HttpFile(new URL(url), {
    signal: new AbortController().signal,
    offline: false,
    proxy: {},
    retry: { attempts: 3, firstDelayMs: 5, maxDelayMs: 20, maxRetryAfterMs: 3000 },
    limits: { connectTimeoutMs: 4000, idleTimeoutMs: 4000 },
    ...options,
  });
}

async function all(file: HttpFile): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of file.stream()) parts.push(part);
  return Buffer.concat(parts);
}

/** Answers as a server that dates its files and gives them no ETag. */
function dated(count: number, ageMs: number, rest: Handler = status(500)): Handler {
  const headers = {
    'last-modified': new Date(Date.now() - ageMs).toUTCString(),
    'content-length': `${bytes.length}`,
  };
  return (request, response) => {
    if (request.headers.range !== undefined) {
      rest(request, response);
      return;
    }
    response.writeHead(200, headers);
    response.write(bytes.subarray(0, count), () => setTimeout(() => response.destroy(), 20));
  };
}

describe('a file of a web server', () => {
  it('comes as it is stored, and its size is known as soon as it begins', async () => {
    await using server = await startServer(serve(bytes));
    const file = fileAt(`${server.url}/image.img`);
    expect((await all(file)).equals(bytes)).toBe(true);
    expect(file.sizeBytes).toBe(bytes.length);
  });

  it('goes on where the connection was cut, when it is the same version for sure', async () => {
    await using server = await startServer(cutAfter(100_000, bytes), serve(bytes));
    expect((await all(fileAt(server.url))).equals(bytes)).toBe(true);
    expect(server.requests[1]?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"one"' });
  });

  it('goes on by the date of a file that was changed some time ago', async () => {
    await using server = await startServer(
      dated(100_000, 60_000, (request, response) => {
        const headers = { 'content-range': `bytes 100000-299999/300000`, 'content-length': '200000' };
        response.writeHead(206, headers).end(bytes.subarray(100_000));
        expect(request.headers['if-range']).toContain('GMT');
      }),
    );
    expect((await all(fileAt(server.url))).equals(bytes)).toBe(true);
  });

  it.each([
    ['has another ETag by then', [cutAfter(100_000, bytes), serve(other, '"two"')], 'image-changed'],
    ['does not send ranges', [cutAfter(100_000, bytes), cutAfter(100_000, bytes)], 'download-cut'],
    ['has a weak ETag only', [cutAfter(100_000, bytes, 'W/"one"'), serve(bytes, 'W/"one"')], 'download-cut'],
    ['changed the file in this very second', [dated(100_000, 0, serve(bytes))], 'download-cut'],
    [
      'announced more than it has',
      [cutAfter(200_000, bytes), serve(bytes.subarray(0, 200_000))],
      'download-wrong-length',
    ],
    ['stays away', [cutAfter(100_000, bytes), status(503)], 'download-cut'],
  ])('ends with an error when the server %s', async (_what, handlers, code) => {
    await using server = await startServer(...handlers);
    await expect(all(fileAt(server.url))).rejects.toMatchObject({ code });
  });

  it.each([
    [404, {}, 'download-not-found'],
    [410, {}, 'download-not-found'],
    [403, {}, 'download-forbidden'],
    [302, { location: '/again' }, 'download-redirected'],
    [503, {}, 'download-failed'],
    [416, {}, 'download-failed'],
  ] as const)('has an error of its own for the answer %i', async (code, headers, expected) => {
    await using server = await startServer(status(code, headers));
    await expect(all(fileAt(`${server.url}/a`))).rejects.toMatchObject({ code: expected, hints: [expect.any(String)] });
  });

  it('tells a server without TLS from one that is not there, and both from a name that is not known', async () => {
    await using server = await startServer(serve(bytes));
    await expect(all(fileAt(server.url.replace('http:', 'https:')))).rejects.toMatchObject({ code: 'download-tls' });
    await expect(all(fileAt('http://127.0.0.1:1/a'))).rejects.toMatchObject({ code: 'download-failed' });
    await expect(all(fileAt('http://server.invalid/a'))).rejects.toMatchObject({ code: 'download-dns' });
  });

  it('is asked for again when the server was busy', async () => {
    await using server = await startServer(status(503), status(503), serve(bytes));
    expect((await all(fileAt(server.url))).equals(bytes)).toBe(true);
  });

  it('can be read twice, and is the same both times or an error', async () => {
    await using server = await startServer(serve(bytes), serve(bytes), serve(other, '"two"'));
    const file = fileAt(server.url);
    await all(file);
    expect((await all(file)).equals(bytes)).toBe(true);
    await expect(all(file)).rejects.toMatchObject({ code: 'image-changed' });
  });

  it('waits for who reads it, however long that takes', async () => {
    await using server = await startServer(serve(bytes));
    let sizeBytes = 0;
    const limits = { connectTimeoutMs: 4000, idleTimeoutMs: 600 };
    for await (const part of fileAt(server.url, { limits }).stream()) {
      if (sizeBytes === 0) await new Promise((resolve) => setTimeout(resolve, 900));
      sizeBytes += part.length;
    }
    expect(sizeBytes).toBe(bytes.length);
  });

  it('is not asked for offline, and is given up at Ctrl-C', async () => {
    await using server = await startServer(cutAfter(100_000, bytes));
    await expect(all(fileAt(server.url, { offline: true }))).rejects.toMatchObject({ code: 'offline' });
    const stop = new AbortController();
    const file = fileAt(server.url, { signal: stop.signal });
    const reading = (async () => {
      for await (const part of file.stream()) if (part.length > 0) stop.abort(new InterruptedError('SIGINT'));
    })();
    await expect(reading).rejects.toBeInstanceOf(InterruptedError);
  });

  it('never shows the password of its address', async () => {
    await using server = await startServer(status(404));
    const file = fileAt(server.url.replace('//', '//user:secret@'));
    await expect(all(file)).rejects.toThrow(/^(?!.*secret).*$/s);
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /);
  });
});

describe('a text beside an image', () => {
  it.each([
    ['what the server has', serve(Buffer.from('abc  image.img\n')), 'abc  image.img\n'],
    ['nothing where the server has none', status(404), undefined],
    ['nothing where the server may not give it out', status(403), undefined],
    ['nothing for a page for people', serve(Buffer.from('<!DOCTYPE html><html>Not found')), undefined],
    ['nothing for the image itself', serve(randomBytes(3000)), undefined],
    ['nothing for more than a list can be', serve(Buffer.alloc(5000, 'a')), undefined],
  ])('is %s', async (_what, handler, text) => {
    await using server = await startServer(handler);
    expect(await readText(fileAt(server.url), 4000)).toBe(text);
  });
});
