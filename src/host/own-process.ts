import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { BARE_ENVIRONMENT } from './caller-environment.js';

/** What files of an image and of the store are made with; secrets say their own mode. */
const UMASK = 0o022;
/** Linux's own default; another one changes where programs put their memory, which QEMU's user mode does not like. */
const STACK_BYTES = '8388608';

/**
 * Frees this process, and with it every program that it starts, from what its caller has set: umask, groups, resource
 * limits. Called once, before anything is made. What may not be changed (a container without the capability) stays.
 */
export async function shedCallersSettings(): Promise<void> {
  process.umask(UMASK);
  takeRootsGroups();
  const limits = prlimitOptions(await readFile('/proc/self/limits', 'utf8').catch(() => ''));
  if (limits.length > 0) await setOwnLimits(limits);
}

/** `newgrp`, `sg` and setgid folders give root's files another group; in an image that group means somebody else. */
function takeRootsGroups(): void {
  if (process.geteuid?.() !== 0) return;
  try {
    if (process.getegid?.() !== 0) process.setgid?.(0);
    if (process.getgroups?.().some((group) => group !== 0) === true) process.setgroups?.([0]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/**
 * Options of prlimit(1) that lead from these limits to the usual ones; none where they are usual. Only soft limits are
 * changed: anybody may do that.
 *
 * @param limits /proc/PID/limits
 */
export function prlimitOptions(limits: string): readonly string[] {
  return Object.entries(WANTED).flatMap(([title, { option, wanted }]) => {
    const line = limits.split('\n').find((text) => text.startsWith(`${title}  `));
    const [soft, hard] = line?.slice(title.length).trim().split(/\s+/) ?? [];
    if (soft === undefined || hard === undefined) return [];
    const target = wanted === 'hard' || !isWithin(wanted, hard) ? hard : wanted;
    return soft === target ? [] : [`--${option}=${target}:`];
  });
}

/** A file of memory that a program left when it crashed could end up in an image. */
const WANTED: Readonly<Record<string, { readonly option: string; readonly wanted: string }>> = {
  'Max core file size': { option: 'core', wanted: '0' },
  'Max stack size': { option: 'stack', wanted: STACK_BYTES },
  'Max cpu time': { option: 'cpu', wanted: 'hard' },
  'Max file size': { option: 'fsize', wanted: 'hard' },
  'Max data size': { option: 'data', wanted: 'hard' },
  'Max address space': { option: 'as', wanted: 'hard' },
  'Max processes': { option: 'nproc', wanted: 'hard' },
};

function isWithin(value: string, hard: string): boolean {
  return hard === 'unlimited' || Number(value) <= Number(hard);
}

/** Node cannot; prlimit(1) of util-linux can, for another process too. Without it the limits stay. */
function setOwnLimits(options: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('prlimit', ['--pid', String(process.pid), ...options], {
      stdio: 'ignore',
      env: BARE_ENVIRONMENT,
    });
    child.on('error', () => {
      resolve();
    });
    child.on('close', () => {
      resolve();
    });
  });
}
