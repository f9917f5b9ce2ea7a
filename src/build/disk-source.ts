import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Partition } from '../disk/disk-layout.js';
import type { Host } from '../host/host.js';
import type { DiskParts } from '../outputs/disk.js';
import { diskBytes } from '../outputs/disk.js';
import type { DiskImage } from '../images/disk-image.js';

/** A disk that was never put together in a file, as an image to be written: its table, its partitions, zeros between. */
export async function withDiskSource<Result>(
  parts: DiskParts,
  table: Buffer,
  host: Host,
  use: (image: DiskImage) => Promise<Result>,
): Promise<Result> {
  const { layout, partitions } = parts;
  const files = new Map<Partition, FileHandle>();
  const close = async (): Promise<void> => {
    for (const file of files.values()) await file.close();
  };
  const readInto = async (target: Uint8Array, offsetBytes: number): Promise<number> => {
    if (offsetBytes >= layout.totalBytes) return 0;
    if (offsetBytes < table.length) return table.copy(target, 0, offsetBytes);
    const partition = layout.partitions.find((candidate) => offsetBytes < endOf(candidate));
    const start = partition?.offsetBytes ?? layout.totalBytes;
    const file = partition && files.get(partition);
    if (offsetBytes >= start && partition !== undefined && file !== undefined) {
      const count = Math.min(target.length, endOf(partition) - offsetBytes);
      const { bytesRead } = await file.read(target, 0, count, offsetBytes - start);
      if (bytesRead > 0) return bytesRead;
      // An image of a partition may be shorter than the partition.
      target.fill(0, 0, count);
      return count;
    }
    const count = Math.min(target.length, start - offsetBytes);
    target.fill(0, 0, count);
    return count;
  };
  const stream = (): AsyncIterable<Uint8Array> => diskBytes(parts, table, host.signal);
  try {
    for (const partition of layout.partitions) files.set(partition, await open(partitions[partition.name], 'r'));
    return await use({
      name: 'the built image',
      path: 'the built image',
      isDrive: false,
      compression: 'none',
      sizeBytes: layout.totalBytes,
      fileSizeBytes: layout.totalBytes,
      stream,
      fileBytes: stream,
      readInto,
      close,
    });
  } finally {
    await close();
  }
}

function endOf({ offsetBytes, sizeBytes }: Partition): number {
  return offsetBytes + sizeBytes;
}
