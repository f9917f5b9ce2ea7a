import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Answers 503 to one request in five and cuts every connection after so many bytes; counts what it was asked for. */
export async function startFlakyServer(
  folder: string,
  { cutAfter, failEvery }: { cutAfter: number; failEvery: number },
) {
  const counts = { requests: 0, refused: 0, cut: 0, bodyBytes: 0 };
  /** Ranges of the large file that were really sent: [from, to). */
  const sent: [number, number][] = [];
  const server = createServer((request, response) => {
    counts.requests += 1;
    if (counts.requests % failEvery === 0) {
      counts.refused += 1;
      response.writeHead(503).end();
      return;
    }
    void readFile(join(folder, basename(request.url ?? ''))).then(
      (bytes) => {
        const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
        const start = Number(range?.[1] ?? 0);
        const whole = { etag: '"one"', 'content-length': bytes.length - start };
        if (range === null) response.writeHead(200, whole);
        else
          response.writeHead(206, { ...whole, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
        const part = bytes.subarray(start, start + cutAfter);
        counts.bodyBytes += part.length;
        sent.push([start, start + part.length]);
        if (start + part.length === bytes.length) response.end(part);
        else {
          counts.cut += 1;
          // FIN behind the bytes, so that none of them is lost on the way.
          response.write(part, () => response.socket?.end());
        }
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    sent,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
