/**
 * autoboot.txt of the Raspberry Pi: which partition the firmware starts from. It reads 512 bytes at most of it, knows
 * the filters `[all]`, `[none]` and `[tryboot]`, and of one key the last line that counts
 * (raspberrypi/documentation, config_txt/autoboot.adoc).
 */
export const AUTOBOOT = 'autoboot.txt';
export const AUTOBOOT_MAX_BYTES = 512;

/** What autoboot.txt says for one start. */
export type Autoboot = {
  /** Number of the partition; undefined where it says none. */
  readonly bootPartition?: number;
  /** A trial changes the partition; without it the file names `tryboot.txt` instead of config.txt. */
  readonly trybootAb: boolean;
};

/** @param tryboot whether the one-shot flag is set */
export function readAutoboot(text: string, tryboot: boolean): Autoboot {
  let applies = true;
  let bootPartition: number | undefined;
  let trybootAb = false;
  for (const line of Buffer.from(text, 'latin1').subarray(0, AUTOBOOT_MAX_BYTES).toString('latin1').split(/\r?\n/)) {
    const filter = /^\s*\[([^\]]*)\]/.exec(line)?.[1]?.toLowerCase();
    if (filter !== undefined) {
      applies = filter === 'all' || (filter === 'tryboot' && tryboot);
      continue;
    }
    const [, key = '', value = ''] = /^\s*(\w+)\s*=\s*(\d+)\s*(#.*)?$/.exec(line) ?? [];
    if (!applies) continue;
    if (key === 'boot_partition') bootPartition = Number(value);
    if (key === 'tryboot_a_b') trybootAb = value === '1';
  }
  return { ...(bootPartition === undefined ? {} : { bootPartition }), trybootAb };
}

/** The file of two slots. It always has the same length, so that a device can write it in place, in one sector. */
export function formatAutoboot({ boot, tryboot }: { readonly boot: number; readonly tryboot: number }): string {
  return `[all]\ntryboot_a_b=1\nboot_partition=${boot}\n[tryboot]\nboot_partition=${tryboot}\n`;
}
