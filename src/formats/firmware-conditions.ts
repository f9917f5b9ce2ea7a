import { bootFilesOf } from './firmware-choice.js';
import type { BootFiles } from './firmware-choice.js';

/** What the filters of config.txt are held against (raspberrypi/documentation, config_txt/conditional.adoc). */
export type FirmwareConditions = {
  /** The start is a trial. */
  readonly tryboot: boolean;
  /** Number of the partition that is started from. */
  readonly partition: number;
  /** Model filters that hold for the board: "pi4". */
  readonly models: readonly string[];
};

/**
 * The lines of a config.txt that count on one start, in their order. A filter holds until the next one of its kind; `[all]`
 * ends all of them, `[none]` lets nothing through. Filters that are not known here let nothing through either.
 */
export function effectiveLines(text: string, conditions: FirmwareConditions): readonly string[] {
  const kinds = new Map<string, boolean>();
  const lines: string[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const filter = /^\[([^\]]*)\]/.exec(line)?.[1]?.toLowerCase();
    if (filter === undefined) {
      if (line !== '' && !line.startsWith('#') && [...kinds.values()].every(Boolean)) lines.push(line);
    } else if (filter === 'all') kinds.clear();
    else {
      const { kind, holds } = judge(filter, conditions);
      kinds.set(kind, holds);
    }
  }
  return lines;
}

function judge(filter: string, { tryboot, partition, models }: FirmwareConditions): { kind: string; holds: boolean } {
  const wanted = /^boot_partition=(\d+)$/.exec(filter)?.[1];
  if (wanted !== undefined) return { kind: 'boot_partition', holds: Number(wanted) === partition };
  if (filter === 'tryboot') return { kind: 'tryboot', holds: tryboot };
  if (filter === 'none') return { kind: 'none', holds: false };
  return { kind: 'model', holds: models.includes(filter) };
}

/** Kernel, command line and archives of one start, and how long the watchdog waits for the kernel; 0: not at all. */
export function startFilesOf(
  configTxt: string,
  conditions: FirmwareConditions,
): BootFiles & { readonly kernelWatchdogSeconds: number } {
  const lines = effectiveLines(configTxt, conditions);
  const watchdog = lines.map((line) => /^kernel_watchdog_timeout=(\d+)$/.exec(line)?.[1]).findLast((one) => one !== undefined);
  return { ...bootFilesOf(lines.join('\n')), kernelWatchdogSeconds: Number(watchdog ?? 0) };
}
