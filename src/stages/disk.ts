import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../domain/bytes.js';
import type { DiskLayout } from '../domain/disk-layout.js';
import { sfdiskScript } from '../domain/sfdisk.js';
import type { Host } from '../host/host.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { ToolsTree } from './tools-tree.js';

const CHUNK_BYTES = MiB;
/** Holes are looked for in units of this size; a file system's smallest unit would cost more calls than it saves bytes. */
const HOLE_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

export type WrittenDisk = { readonly sizeBytes: number; readonly sha256: string };

/**
 * Writes the partition table and the partition images to `target`, an empty file that is open for writing, in one
 * pass that also takes the sha256. Zeros become holes.
 *
 * @param partitions image of each partition by its name
 */
export async function writeDisk(
  options: {
    readonly tools: ToolsTree;
    readonly layout: DiskLayout;
    readonly partitions: Readonly<Record<'boot' | 'root', string>>;
    readonly target: FileHandle;
    readonly work: string;
  },
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  const { layout, target } = options;
  const sizeBytes = layout.totalBytes;
  const table = await partitionTable(options.tools, layout, options.work, host);
  const hash = createHash('sha256');
  await target.truncate(sizeBytes);
  await target.write(table, 0, table.length, 0);
  hash.update(table);
  let position = table.length;

  const hashZeros = (until: number): void => {
    for (; position < until; position += Math.min(CHUNK_BYTES, until - position)) {
      hash.update(ZEROS.subarray(0, Math.min(CHUNK_BYTES, until - position)));
    }
  };

  for (const partition of layout.partitions) {
    hashZeros(partition.offsetBytes);
    const source = await open(options.partitions[partition.name], 'r');
    try {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        host.signal.throwIfAborted();
        const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES);
        if (bytesRead === 0) break;
        const chunk = buffer.subarray(0, bytesRead);
        hash.update(chunk);
        await writeData(target, chunk, position);
        position += bytesRead;
        report.progress({ done: position, total: sizeBytes, unit: 'bytes' });
      }
    } finally {
      await source.close();
    }
  }
  hashZeros(sizeBytes);
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Sector 0, as sfdisk writes it. */
async function partitionTable(tools: ToolsTree, layout: DiskLayout, work: string, host: Host): Promise<Buffer> {
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

/** Writes what is not zero; the rest stays a hole. At most a MiB at a time is compared. */
export async function writeData(target: FileHandle, chunk: Buffer, position: number): Promise<void> {
  let start: number | undefined;
  for (let offset = 0; offset <= chunk.length; offset += HOLE_BYTES) {
    const block = chunk.subarray(offset, offset + HOLE_BYTES);
    const isData = block.length > 0 && !block.equals(ZEROS.subarray(0, block.length));
    if (isData) start ??= offset;
    else if (start !== undefined) {
      const end = Math.min(offset, chunk.length);
      await target.write(chunk, start, end - start, position + start);
      start = undefined;
    }
  }
  if (start !== undefined) await target.write(chunk, start, chunk.length - start, position + start);
}
