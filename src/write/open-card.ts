import type { FileHandle } from 'node:fs/promises';
import { readFile } from 'node:fs/promises';
import type { Host } from '../host/host.js';
import type { ClaimedDevice } from '../drives/claim.js';
import { withDeviceOpen } from '../drives/claim.js';
import type { CardIo } from './card-io.js';

/** Past the page cache where that can be done; else it is flushed and dropped, and a person is told. */
export async function withCardOpen<Result>(
  device: ClaimedDevice,
  host: Host,
  warn: (text: string, hint?: string) => void,
  use: (io: CardIo) => Promise<Result>,
): Promise<Result> {
  const io = (handle: FileHandle): CardIo => ({
    path: device.path,
    handle,
    sizeBytes: device.sizeBytes ?? 0,
    isPresent: () => isPresent(device),
  });
  const progress = { isOpen: false };
  try {
    return await withDeviceOpen(
      device,
      host,
      async (handle) => {
        progress.isOpen = true;
        return use(io(handle));
      },
      { direct: true, warn },
    );
  } catch (error) {
    if (progress.isOpen || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
  warn(
    `${device.path} cannot be written past the page cache (no O_DIRECT)`,
    'It is flushed and its cache dropped before anything is read back; that is slower.',
  );
  const dropCache = async (): Promise<void> => {
    await host.run({ file: 'blockdev', args: ['--flushbufs', device.path] });
  };
  return withDeviceOpen(device, host, (handle) => use({ ...io(handle), dropCache }), { warn });
}

/** A card reader stays when its card goes; its size is 0 then. */
async function isPresent(device: ClaimedDevice): Promise<boolean> {
  const size = await readFile(`/sys/dev/block/${device.majorMinor}/size`, 'utf8').catch(() => '0');
  return Number(size) > 0;
}
