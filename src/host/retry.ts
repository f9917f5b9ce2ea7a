export type RetryPolicy = {
  /** Tries of one URL, the first included. */
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A server that asks for a longer pause than this counts as down. */
  readonly maxRetryAfterMs: number;
};

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 6,
  firstDelayMs: 500,
  maxDelayMs: 15_000,
  maxRetryAfterMs: 60_000,
};

/**
 * Exponential back-off with jitter in its upper half: many clients of one mirror do not come back in step,
 * and none comes back at once. `attempt` counts from 1; `random` lies in [0, 1).
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** Retry-After is a number of seconds or an HTTP date (RFC 9110, 10.2.3). Undefined when it is neither. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value.trim()) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** What a server may say today and take back in a minute; any other 4xx stays as it is. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
