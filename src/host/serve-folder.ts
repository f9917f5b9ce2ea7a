import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

const LOOPBACK = '127.0.0.1';

/** A request that was answered: the path without its leading slash. */
export type ServedRequest = { readonly path: string; readonly status: 200 | 404 | 405 };

/**
 * Offers folders by HTTP on a free port of this machine's loopback while `use` runs. A path is looked for in each of
 * them in turn. Nothing above them can be read.
 */
export async function withServedFolders<Result>(
  folders: readonly string[],
  onRequest: (request: ServedRequest) => void,
  use: (port: number) => Promise<Result>,
): Promise<Result> {
  const server = createServer((request, response) => {
    answer(folders, request, response).then(onRequest, () => response.destroy());
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function answer(
  folders: readonly string[],
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<ServedRequest> {
  const path = pathOf(url);
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405).end();
    return { path, status: 405 };
  }
  const found = await findFile(folders, path);
  if (found === undefined) {
    response.writeHead(404, { 'Content-Length': 0 }).end();
    return { path, status: 404 };
  }
  response.writeHead(200, { 'Content-Length': found.sizeBytes, 'Content-Type': 'application/octet-stream' });
  if (method === 'HEAD') response.end();
  else await pipeline(createReadStream(found.file), response);
  return { path, status: 200 };
}

/** What is asked for, from the top of the folder; `..` leads nowhere above it. */
function pathOf(url: string): string {
  try {
    const { pathname } = new URL(url, `http://${LOOPBACK}`);
    return normalize(decodeURIComponent(pathname)).replace(/^\/+/, '');
  } catch {
    return '';
  }
}

async function findFile(folders: readonly string[], path: string) {
  for (const folder of folders) {
    const file = join(folder, path);
    const status = await stat(file).catch(() => undefined);
    if (status?.isFile() === true) return { file, sizeBytes: status.size };
  }
  return undefined;
}
