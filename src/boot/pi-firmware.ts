import { readAutoboot } from '../formats/autoboot.js';

/**
 * The part of a Raspberry Pi's firmware that chooses what is started: pure, so that every rule of it can be held against
 * the vendor's documentation (config_txt/autoboot.adoc, computers/raspberry-pi/boot-raspberry-pi.adoc).
 */

/** A FAT among the first four partitions, as the firmware sees it. */
export type FirmwareFat = {
  readonly number: number;
  /** Has `start*.elf`, or as on a Raspberry Pi 5 a config.txt. */
  readonly isBootable: boolean;
};

export type FirmwareStart = {
  readonly partition: number;
  /** What the firmware tells the system in /chosen/bootloader. */
  readonly tryboot: boolean;
  /** File that it reads its settings from. */
  readonly config: 'config.txt' | 'tryboot.txt';
};

/**
 * Where a start leads.
 *
 * @param autoboot autoboot.txt of the first FAT; empty where there is none
 * @param tryboot the one-shot flag, which this start uses up
 * @returns undefined where nothing can be started
 */
export function chooseStart(
  fats: readonly FirmwareFat[],
  autoboot: string,
  tryboot: boolean,
): FirmwareStart | undefined {
  const { bootPartition, trybootAb } = readAutoboot(autoboot, tryboot);
  const bootable = fats.filter(({ isBootable }) => isBootable);
  // A file that is damaged, and a partition that cannot be started, lead to the first one that can.
  const chosen = bootable.find(({ number }) => number === bootPartition) ?? bootable[0];
  if (chosen === undefined) return undefined;
  return { partition: chosen.number, tryboot, config: tryboot && !trybootAb ? 'tryboot.txt' : 'config.txt' };
}

/** How a start ended. */
export type StartEnd =
  | { readonly kind: 'reboot'; readonly argument: string }
  | { readonly kind: 'power-off' | 'panic' | 'watchdog' | 'power-cut' | 'reset' };

/** What the kernel says last: the only way in which QEMU tells the argument of a reboot. undefined: nothing of that. */
export function endOf(line: string): StartEnd | undefined {
  if (/reboot: Power down/.test(line)) return { kind: 'power-off' };
  const reboot = /reboot: Restarting system(?: with command '([^']*)')?/.exec(line);
  if (reboot !== null) return { kind: 'reboot', argument: reboot[1] ?? '' };
  return /Kernel panic - not syncing/.test(line) ? { kind: 'panic' } : undefined;
}

/** Whether the flag is set for the next start: it is set by the argument of a reboot, and nothing keeps it. */
export function flagAfter(end: StartEnd): boolean {
  return end.kind === 'reboot' && end.argument.split(/\s+/).includes('tryboot');
}
