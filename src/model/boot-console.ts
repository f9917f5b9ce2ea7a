import type { Json } from './json.js';

/** What one line of a booting machine's console tells us. */
export type ConsoleEvent =
  | {
      readonly kind: 'reached';
      readonly milestone: 'kernel' | 'root' | 'systemd' | 'power-off';
      readonly detail: string;
    }
  | { readonly kind: 'fact'; readonly name: string; readonly value: Json }
  /** Nothing more will come of this boot. */
  | { readonly kind: 'fatal'; readonly code: FatalCode; readonly detail: string };

export type FatalCode =
  'kernel-panic' | 'emergency-mode' | 'cloud-init-crashed' | 'machine-ended' | 'root-not-mounted' | 'passphrase-wrong';

const REACHED = [
  ['kernel', /Linux version (\S+)/],
  ['root', /(?:EXT4-fs \((\S+)\): mounted filesystem|VFS: Mounted root \((.+) filesystem\))/],
  ['systemd', /systemd\[1\]: (systemd \S+) running in system mode/],
  ['power-off', /reboot: (Power down)/],
] as const;

const FATAL = [
  ['kernel-panic', /Kernel panic - not syncing: .*/],
  ['kernel-panic', /Internal error: Oops.*/],
  ['emergency-mode', /You are in (?:emergency|rescue) mode.*/],
  ['emergency-mode', /Cannot open access to console, the root account is locked.*/],
  ['emergency-mode', /Reached target .*(?:emergency|rescue)\.target.*/i],
  ['cloud-init-crashed', /Failed to start .*cloud-(?:init|config|final).*/],
  // The early user space says why, and would start the machine again.
  ['root-not-mounted', /reswarm: error \S+ .*/],
  ['passphrase-wrong', /reswarm: wrong-passphrase root/],
] as const;

/** The early user space waits for whoever types the passphrase. */
export const PASSPHRASE_WANTED = /reswarm: passphrase root$/;

/** Only what a terminal would act on: colours, cursor moves, the bell. */
const CONTROL =
  // eslint-disable-next-line no-control-regex -- exactly these bytes are meant
  /\u001b\[[0-9;:?!]*[A-Za-z]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[^[]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

export function plainText(line: string): string {
  return line.replace(CONTROL, '').trimEnd();
}

/** @param line as plainText gives it; programs and the kernel may share one, so nothing is anchored to its start */
export function readConsoleLine(line: string): ConsoleEvent | undefined {
  const fact = /RESWARM-PROOF (\{.*\})/.exec(line)?.[1];
  if (fact !== undefined) return readFact(fact);
  for (const [code, pattern] of FATAL) {
    const match = pattern.exec(line);
    if (match !== null) return { kind: 'fatal', code, detail: match[0] };
  }
  for (const [milestone, pattern] of REACHED) {
    const match = pattern.exec(line);
    if (match !== null) return { kind: 'reached', milestone, detail: match[1] ?? match[2] ?? '' };
  }
  return undefined;
}

function readFact(text: string): ConsoleEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('fact' in parsed) || !('value' in parsed)) return undefined;
  if (typeof parsed.fact !== 'string') return undefined;
  return { kind: 'fact', name: parsed.fact, value: parsed.value as Json };
}
