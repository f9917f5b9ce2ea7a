import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Claimant, DeviceState } from './record-lines.js';

/** A claim of another machine cannot be looked after; after this long it is taken for forgotten. */
const FOREIGN_CLAIM_MS = 12 * 60 * 60 * 1000;

/** This process, as a claim names it. */
export function thisClaimant(): Claimant {
  return claimantOf(process.pid);
}

/** Whether a process has the device in hand right now. */
export function isClaimed({ claim }: DeviceState, now = Date.now()): boolean {
  if (claim === undefined) return false;
  if (claim.by.host !== hostname()) return now - Date.parse(claim.at) < FOREIGN_CLAIM_MS;
  const running = claimantOf(claim.by.pid);
  return running.startedAt !== undefined && running.startedAt === claim.by.startedAt;
}

/** `startedAt`: clock ticks since boot, 22nd field of proc_pid_stat(5); undefined when there is no such process. */
function claimantOf(pid: number): Claimant {
  const by = { host: hostname(), pid };
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const startedAt = afterName[19];
    return startedAt === undefined ? by : { ...by, startedAt };
  } catch {
    return by;
  }
}
