import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockDevice } from '../host/drives/block-device.js';
import type { Command } from '../model/command.js';
import { MBR_SIZE_BYTES, parseMbr } from '../formats/mbr.js';
import { ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';

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
  const update: Command = { file: 'partx', args: ['--update', path] };
  // A loop device made without --partscan refuses BLKRRPART, however often it is asked; partx adds the partitions, but
  // fails where there is no table, and leaves the old partitions.
  const commands: readonly Command[] =
    kind !== 'loop'
      ? [{ file: 'blockdev', args: ['--rereadpt', path] }, update]
      : (await hasTable(path))
        ? [update]
        : [{ file: 'partx', args: ['--delete', '--nr', '1:64', path] }];
  for (const pause of PAUSES_MS) {
    await sleep(pause);
    for (const command of commands) {
      if (await succeeds(command, host)) return;
    }
  }
  warn(`The kernel still goes by the old partition table of ${path}`, 'Take the card out and insert it again.');
}

async function hasTable(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  try {
    const sector = Buffer.alloc(MBR_SIZE_BYTES);
    await handle?.read(sector, 0, sector.length, 0);
    return parseMbr(sector) !== undefined;
  } catch {
    return false;
  } finally {
    await handle?.close();
  }
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
