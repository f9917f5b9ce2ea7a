import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../domain/bytes.js';
import { IntegrityError, ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { DiskParts, WrittenDisk } from '../stages/disk.js';
import { consumeDisk, diskBytes, partitionTable } from '../stages/disk.js';
import type { ClaimedDevice } from './card-device.js';
import { claimedFor, withDeviceOpen } from './card-device.js';

/** Partition tables and file systems show at a drive's beginning; a GPT has a copy of itself at the end. */
const WIPED_BYTES = MiB;
const ZEROS = Buffer.alloc(WIPED_BYTES);
/** So much may lie in memory before it is waited for: Ctrl-C and the last flush must not take minutes. */
const FLUSH_EVERY_BYTES = 16 * MiB;

/**
 * Writes a disk to a claimed device, every byte of it, and reads all of it back. The partition table comes last: until
 * everything else is right, nothing on the device looks as if one could start from it.
 * Throws IntegrityError `device-read-back-differs`, ReswarmError `device-write-failed`, and as `withDeviceOpen` does.
 */
export async function writeDeviceDisk(
  parts: DiskParts,
  claimed: ClaimedDevice,
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  const { layout } = parts;
  const table = await partitionTable(parts, host);
  const device = claimedFor(claimed, layout.totalBytes);
  const withoutTable = () => diskBytes(parts, Buffer.alloc(table.length), host.signal);
  return withDeviceOpen(
    device,
    host,
    async (handle) => {
      const disk = new DeviceDisk(handle, device, host);
      await disk.write(ZEROS, 0);
      await disk.write(ZEROS, Math.max(0, (device.sizeBytes ?? 0) - WIPED_BYTES));
      await disk.flush();
      report.step(`writing ${device.path}`);
      let unflushed = 0;
      await consumeDisk(withoutTable(), report, layout, async (chunk, position) => {
        await disk.write(chunk, position);
        unflushed += chunk.length;
        if (unflushed < FLUSH_EVERY_BYTES) return;
        await disk.flush();
        unflushed = 0;
      });
      await disk.forgetCache();
      report.step(`reading ${device.path} back`);
      await consumeDisk(withoutTable(), report, layout, (chunk, position) => disk.compare(chunk, position));
      await disk.write(table, 0);
      await disk.forgetCache();
      await disk.compare(table, 0);
      return consumeDisk(diskBytes(parts, table, host.signal), report, layout, () => Promise.resolve());
    },
    {
      warn: (text, hint) => {
        report.warn(text, hint);
      },
    },
  );
}

class DeviceDisk {
  private readonly found = Buffer.alloc(MiB);

  constructor(
    private readonly handle: FileHandle,
    private readonly device: ClaimedDevice,
    private readonly host: Host,
  ) {}

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.guarded(async () => {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    });
  }

  async flush(): Promise<void> {
    await this.guarded(() => this.handle.datasync());
  }

  /** What is read afterwards comes from the device, not from memory. */
  async forgetCache(): Promise<void> {
    await this.flush();
    await this.host.run({ file: 'blockdev', args: ['--flushbufs', this.device.path] });
  }

  async compare(bytes: Buffer, position: number): Promise<void> {
    const found = this.found.subarray(0, bytes.length);
    await this.guarded(async () => {
      for (let done = 0; done < found.length;) {
        const { bytesRead } = await this.handle.read(found, done, found.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    });
    if (found.equals(bytes)) return;
    throw new IntegrityError('device-read-back-differs', `${this.device.path} does not hold what was written to it`, {
      details: [`first difference between the bytes ${position} and ${position + bytes.length}`],
      hints: ['The card or its reader is broken or a fake. Nothing starts from it: it has no partition table.'],
    });
  }

  private async guarded(action: () => Promise<void>): Promise<void> {
    this.host.signal.throwIfAborted();
    try {
      await action();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ReswarmError('device-write-failed', `${this.device.path} failed: ${code ?? message}`, {
        hints: ['Was the card taken out? If not, the card or its reader is broken. Nothing starts from it.'],
        cause: error,
      });
    }
  }
}
