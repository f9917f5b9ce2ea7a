import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockDevice } from '../../domain/devices/block-device.js';
import type { Command } from '../../domain/command.js';
import { ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';

/** udev and automounters look at a drive for a moment after it was closed; the kernel refuses meanwhile. */
const PAUSES_MS = [0, 100, 300, 1000, 2000];
const PATIENCE_MS = 20_000;

/**
 * Has the kernel forget the partitions that were on a device and read those that are. A card without that is as well
 * written as with it, so a failure is a warning only. Needs no udev.
 */
export async function rereadPartitionTable(
  { path, kind }: BlockDevice,
  host: Host,
  warn: (text: string, hint?: string) => void,
): Promise<void> {
  // A loop device made without --partscan refuses BLKRRPART, however often it is asked; partx adds the partitions.
  const commands: readonly Command[] = [
    ...(kind === 'loop' ? [] : [{ file: 'blockdev', args: ['--rereadpt', path] }]),
    { file: 'partx', args: ['--update', path] },
  ];
  for (const pause of PAUSES_MS) {
    await sleep(pause);
    for (const command of commands) {
      if (await succeeds(command, host)) return;
    }
  }
  warn(`The kernel still goes by the old partition table of ${path}`, 'Take the card out and insert it again.');
}

async function succeeds(command: Command, host: Host): Promise<boolean> {
  try {
    await host.run(command, { timeoutMs: PATIENCE_MS });
    return true;
  } catch (error) {
    if (error instanceof ReswarmError) return false;
    throw error;
  }
}
