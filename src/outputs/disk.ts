import { ZEROS, CHUNK_BYTES } from '../images/sparse-write.js';
import { writeData } from '../images/sparse-write.js';
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskLayout } from '../disk/disk-layout.js';
import { sfdiskScript } from '../disk/table.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { ToolsTree } from '../tools/tools-tree.js';

export type WrittenDisk = { readonly sizeBytes: number; readonly sha256: string };

/** What a disk is made of. */
export type DiskParts = {
  readonly tools: ToolsTree;
  readonly layout: DiskLayout;
  /** Image of each partition by its name. */
  readonly partitions: Readonly<Record<'boot' | 'root', string>>;
  /** Folder for what is needed on the way. */
  readonly work: string;
};

/**
 * Writes the partition table and the partition images to `target`, an empty file that is open for writing, in one
 * pass that also takes the sha256. Zeros become holes.
 */
export async function writeDisk(
  { target, ...parts }: DiskParts & { readonly target: FileHandle },
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  await target.truncate(parts.layout.totalBytes);
  const table = await partitionTable(parts, host);
  return consumeDisk(diskBytes(parts, table, host.signal), report, parts.layout, (chunk, position) =>
    writeData(target, chunk, position),
  );
}

/** Hands every byte of a disk to `write` and takes the sha256 of them all. */
export async function consumeDisk(
  bytes: AsyncIterable<Buffer>,
  report: StageReporter,
  { totalBytes }: DiskLayout,
  write: (chunk: Buffer, position: number) => Promise<void>,
): Promise<WrittenDisk> {
  const hash = createHash('sha256');
  let position = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    await write(chunk, position);
    position += chunk.length;
    report.progress({ done: position, total: totalBytes, unit: 'bytes' });
  }
  return { sizeBytes: position, sha256: hash.digest('hex') };
}

/**
 * A disk from its first byte to its last, in pieces of at most 1 MiB. A piece is valid until the next one is asked
 * for.
 */
export async function* diskBytes(
  { layout, partitions }: Pick<DiskParts, 'layout' | 'partitions'>,
  table: Buffer,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  yield table;
  let position = table.length;
  for (const partition of layout.partitions) {
    yield* zeros(partition.offsetBytes - position);
    const source = await open(partitions[partition.name], 'r');
    try {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (position = partition.offsetBytes; ;) {
        signal.throwIfAborted();
        const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES);
        if (bytesRead === 0) break;
        yield buffer.subarray(0, bytesRead);
        position += bytesRead;
      }
    } finally {
      await source.close();
    }
  }
  yield* zeros(layout.totalBytes - position);
}

function* zeros(sizeBytes: number): Generator<Buffer> {
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES) yield ZEROS.subarray(0, Math.min(CHUNK_BYTES, left));
}

/** Sector 0, as sfdisk writes it. */
export async function partitionTable(
  { tools, layout, work }: Pick<DiskParts, 'tools' | 'layout' | 'work'>,
  host: Host,
): Promise<Buffer> {
  const file = join(work, 'table.img');
  await writeFile(file, '');
  await truncate(file, layout.totalBytes);
  await host.runIn(
    { root: tools.root, mounts: [{ source: work, target: '/mnt', writable: true }] },
    {
      file: 'sfdisk',
      args: ['--quiet', '--no-reread', '--no-tell-kernel', '/mnt/table.img'],
      stdin: sfdiskScript(layout),
    },
  );
  const handle = await open(file, 'r');
  try {
    const table = Buffer.alloc(layout.sectorSizeBytes);
    await handle.read(table, 0, table.length, 0);
    return table;
  } finally {
    await handle.close();
  }
}
