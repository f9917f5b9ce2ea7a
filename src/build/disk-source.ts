import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Partition } from '../model/disk.js';
import type { Host } from '../host/host.js';
import type { DiskParts, TableBytes } from '../outputs/disk.js';
import { diskBytes } from '../outputs/disk.js';
import type { DiskImage } from '../images/disk-image.js';

/** A disk that was never put together in a file, as an image to be written: its table, its partitions, zeros between. */
export async function withDiskSource<Result>(
  parts: DiskParts,
  table: TableBytes,
  host: Host,
  use: (image: DiskImage) => Promise<Result>,
): Promise<Result> {
  const { disk, volumes } = parts;
  const files = new Map<Partition, FileHandle>();
  const close = async (): Promise<void> => {
    for (const file of files.values()) await file.close();
  };
  const readInto = async (target: Uint8Array, offsetBytes: number): Promise<number> => {
    const count = Math.min(target.length, disk.totalBytes - offsetBytes);
    if (count <= 0) return 0;
    const partition = disk.partitions.find((one) => offsetBytes >= one.offsetBytes && offsetBytes < endOf(one));
    const file = partition && files.get(partition);
    if (partition !== undefined && file !== undefined) {
      const inside = Math.min(count, endOf(partition) - offsetBytes);
      const { bytesRead } = await file.read(target, 0, inside, offsetBytes - partition.offsetBytes);
      if (bytesRead > 0) return bytesRead;
      // An image of a partition may be shorter than the partition.
      target.fill(0, 0, inside);
      return inside;
    }
    const next = disk.partitions.map((one) => one.offsetBytes).filter((start) => start > offsetBytes);
    const inside = Math.min(count, Math.min(...next, disk.totalBytes) - offsetBytes);
    fillFromTable(target.subarray(0, inside), offsetBytes, table);
    return inside;
  };
  const stream = (): AsyncIterable<Uint8Array> => diskBytes(parts, table, host.signal);
  try {
    for (const partition of disk.partitions) files.set(partition, await open(volumes[partition.name] ?? '', 'r'));
    return await use({
      name: 'the built image',
      path: 'the built image',
      isDrive: false,
      compression: 'none',
      sizeBytes: disk.totalBytes,
      fileSizeBytes: disk.totalBytes,
      stream,
      fileBytes: stream,
      readInto,
      close,
    });
  } finally {
    await close();
  }
}

/** What the table has between partitions; zeros elsewhere. */
function fillFromTable(target: Uint8Array, offsetBytes: number, table: TableBytes): void {
  target.fill(0);
  const end = offsetBytes + target.length;
  for (const piece of table) {
    const from = Math.max(offsetBytes, piece.offsetBytes);
    const to = Math.min(end, piece.offsetBytes + piece.bytes.length);
    if (from < to)
      target.set(piece.bytes.subarray(from - piece.offsetBytes, to - piece.offsetBytes), from - offsetBytes);
  }
}

function endOf({ offsetBytes, sizeBytes }: Partition): number {
  return offsetBytes + sizeBytes;
}
