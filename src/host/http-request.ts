import { get } from 'node:http';
import { connect } from 'node:net';

const LOOPBACK = '127.0.0.1';

export type HttpAnswer = { readonly status: number; readonly body: string };

/** GET of a port on this machine's loopback; undefined: nobody answered in time, or not in HTTP. */
export async function requestLocal(port: number, path: string, timeoutMs: number): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: LOOPBACK, port, path, timeout: timeoutMs, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {
        resolve(undefined);
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      resolve(undefined);
    });
  });
}

/** Everything that a TCP server on this machine's loopback says until it closes; undefined where none is there. */
export async function readLocal(port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: LOOPBACK, port, timeout: timeoutMs });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {
      resolve(undefined);
    });
    socket.on('close', () => {
      resolve(Buffer.concat(chunks).toString());
    });
  });
}
