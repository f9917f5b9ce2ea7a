import { requestLocal } from '../host/http-request.js';
import type { HttpRequest } from '../model/workload.js';

/** Makes a request of a workload's check to where its port is forwarded. Undefined: the answer is as it must be. */
export async function httpFault(
  request: HttpRequest,
  hostPort: number,
  timeoutMs: number,
): Promise<string | undefined> {
  const { port, path, status, expect } = request;
  const asked = `:${port}${path}`;
  const answer = await requestLocal(hostPort, path, timeoutMs);
  if (answer === undefined) return `nobody answered ${asked}`;
  if (answer.status !== status) {
    return `${asked} answered ${answer.status}, not ${status}: ${answer.body.slice(0, SHOWN_CHARACTERS).trim()}`;
  }
  return expect === undefined || answer.body.includes(expect) ? undefined : `${asked} answered without "${expect}"`;
}

const SHOWN_CHARACTERS = 200;
