import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BOOT_CODE_BYTES, requireRoomForBootCode } from '../formats/grub-boot-code.js';
import type { Disk } from '../model/disk.js';
import type { Host } from '../host/host.js';
import type { Pending } from '../pipeline/graph.js';
import type { StageReporter } from '../pipeline/reporter.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import { CHUNK_BYTES, ZEROS, writeData } from '../images/sparse-write.js';

export type WrittenDisk = { readonly sizeBytes: number; readonly sha256: string };

/** Bytes of a disk that are in none of its partitions: the table, a boot loader. */
export type TableBytes = readonly { readonly offsetBytes: number; readonly bytes: Buffer }[];

/** What a disk is made of. */
export type DiskParts = {
  readonly tools: ToolsTree;
  readonly disk: Disk;
  /** What sfdisk is given to write the table. */
  readonly tableScript: string;
  /** A boot loader's code in front of the table's own bytes in sector 0, and in sectors that nobody uses. */
  readonly bootCode?: TableBytes;
  /** Image of each partition by its name. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Folder for what is needed on the way. */
  readonly work: string;
};

/** Takes a disk to where it is wanted: into a file, through a loop device, onto a card. */
export type WriteDisk = (parts: DiskParts, host: Host, report: StageReporter) => Promise<WrittenDisk>;

export type DiskInput = Pick<DiskParts, 'tools' | 'disk' | 'tableScript'> & {
  readonly volumes: Readonly<Record<string, Pending<{ readonly path: string }>>>;
  /** The disk's boot loader, where it has one: what stands for its bytes, and they. */
  readonly loader?: { readonly key: string; bootCode(): Promise<TableBytes> } | undefined;
  readonly write: WriteDisk;
};

/** Partition table and volumes, written to where `write` takes them. Its result is what was written. */
export const diskStage: Stage<DiskInput, WrittenDisk> = {
  name: 'disk',
  version: 1,
  group: 'Image',

  key: ({ tools, disk, tableScript, loader, volumes }) => ({
    tools: toolVersions(tools, ['fdisk']),
    table: tableScript,
    ...(loader === undefined ? {} : { loader: loader.key }),
    totalBytes: disk.totalBytes,
    volumes: Object.fromEntries(Object.entries(volumes).map(([name, { key }]) => [name, key])),
  }),

  commands: ({ tableScript }) => [{ file: 'sfdisk', args: ['IMAGE'], stdin: tableScript }],

  async run({ volumes, loader, write, ...input }, out, { host, report, work }) {
    const paths = Object.entries(volumes).map(async ([name, volume]) => [name, (await volume.get()).path] as const);
    const bootCode = await loader?.bootCode();
    const parts = {
      ...input,
      ...(bootCode === undefined ? {} : { bootCode }),
      volumes: Object.fromEntries(await Promise.all(paths)),
      work,
    };
    await writeFile(join(out, 'disk.json'), JSON.stringify(await write(parts, host, report)));
  },

  open: async ({ path }) => JSON.parse(await readFile(join(path, 'disk.json'), 'utf8')) as WrittenDisk,
};

/**
 * Writes the partition table and the partition images to `target`, an empty file that is open for writing, in one
 * pass that also takes the sha256. Zeros become holes.
 */
export async function writeDisk(
  parts: DiskParts,
  target: FileHandle,
  host: Host,
  report: StageReporter,
): Promise<WrittenDisk> {
  await target.truncate(parts.disk.totalBytes);
  const table = await partitionTable(parts, host);
  return consumeDisk(diskBytes(parts, table, host.signal), report, parts.disk, (chunk, position) =>
    writeData(target, chunk, position),
  );
}

/** Hands every byte of a disk to `write` and takes the sha256 of them all. */
export async function consumeDisk(
  bytes: AsyncIterable<Buffer>,
  report: StageReporter,
  { totalBytes }: Disk,
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
  { disk, volumes }: Pick<DiskParts, 'disk' | 'volumes'>,
  table: TableBytes,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const pieces = [
    ...table.map(({ offsetBytes, bytes }) => ({ offsetBytes, read: () => [bytes] })),
    ...disk.partitions.map(({ name, offsetBytes }) => {
      return { offsetBytes, read: () => fileChunks(volumes[name] ?? '', signal) };
    }),
  ].sort((a, b) => a.offsetBytes - b.offsetBytes);
  let position = 0;
  for (const { offsetBytes, read } of pieces) {
    yield* zeros(offsetBytes - position);
    position = offsetBytes;
    for await (const chunk of read()) {
      yield chunk;
      position += chunk.length;
    }
  }
  yield* zeros(disk.totalBytes - position);
}

async function* fileChunks(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const source = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await source.close();
  }
}

function* zeros(sizeBytes: number): Generator<Buffer> {
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES) yield ZEROS.subarray(0, Math.min(CHUNK_BYTES, left));
}

/**
 * The table as sfdisk writes it: sector 0, tables of logical partitions, both copies of a GPT; and the boot loader. Throws
 * what `withBootCode` throws.
 */
export async function partitionTable(
  { tools, disk, tableScript, bootCode, work }: Omit<DiskParts, 'volumes'>,
  host: Host,
): Promise<TableBytes> {
  const file = join(work, 'table.img');
  await writeFile(file, '');
  await truncate(file, disk.totalBytes);
  await host.runIn(
    { root: tools.root, mounts: [{ source: work, target: '/mnt', writable: true }] },
    {
      file: 'sfdisk',
      args: ['--quiet', '--no-reread', '--no-tell-kernel', '/mnt/table.img'],
      stdin: tableScript,
    },
  );
  const handle = await open(file, 'r');
  try {
    return withBootCode(await readTable(handle, disk), bootCode, disk);
  } finally {
    await handle.close();
  }
}

/**
 * A disk's table with a boot loader around it. Throws UserError `no-room-for-boot-loader`, and TypeError for code where
 * the table has bytes of its own.
 */
export function withBootCode(table: TableBytes, bootCode: TableBytes | undefined, disk: Disk): TableBytes {
  if (bootCode === undefined) return table;
  requireRoomForBootCode(bootCode, Math.min(...disk.partitions.map(({ offsetBytes }) => offsetBytes)));
  const [first] = table;
  if (first?.offsetBytes !== 0) throw new TypeError('the disk has no first sector');
  const code = bootCode.filter(({ offsetBytes }) => offsetBytes === 0);
  const beside = bootCode.filter(({ offsetBytes }) => offsetBytes !== 0);
  const sector = Buffer.from(first.bytes);
  for (const { bytes } of code) bytes.copy(sector, 0, 0, BOOT_CODE_BYTES);
  for (const { offsetBytes, bytes } of beside) {
    const taken = table.find((piece) => {
      return piece.offsetBytes < offsetBytes + bytes.length && offsetBytes < piece.offsetBytes + piece.bytes.length;
    });
    if (taken !== undefined) throw new TypeError(`the boot loader lies over the table at byte ${taken.offsetBytes}`);
  }
  const pieces = [{ offsetBytes: 0, bytes: sector }, ...table.slice(1), ...beside];
  return pieces.sort((a, b) => a.offsetBytes - b.offsetBytes);
}

/** Sectors outside of the partitions that hold anything. */
export async function readTable(handle: FileHandle, disk: Disk): Promise<TableBytes> {
  const pieces: { offsetBytes: number; bytes: Buffer }[] = [];
  const empty = ZEROS.subarray(0, disk.sectorSizeBytes);
  for (const { offsetBytes, sizeBytes } of gapsOf(disk)) {
    for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - at));
      await handle.read(chunk, 0, chunk.length, offsetBytes + at);
      if (chunk.equals(ZEROS.subarray(0, chunk.length))) continue;
      for (let sector = 0; sector < chunk.length; sector += disk.sectorSizeBytes) {
        const bytes = chunk.subarray(sector, sector + disk.sectorSizeBytes);
        if (!bytes.equals(empty)) pieces.push({ offsetBytes: offsetBytes + at + sector, bytes });
      }
    }
  }
  return pieces;
}

/** What lies between, before and behind the partitions. */
function gapsOf(disk: Disk): { readonly offsetBytes: number; readonly sizeBytes: number }[] {
  const gaps = [];
  let position = 0;
  for (const { offsetBytes, sizeBytes } of [...disk.partitions].sort((a, b) => a.offsetBytes - b.offsetBytes)) {
    if (offsetBytes > position) gaps.push({ offsetBytes: position, sizeBytes: offsetBytes - position });
    position = offsetBytes + sizeBytes;
  }
  if (disk.totalBytes > position) gaps.push({ offsetBytes: position, sizeBytes: disk.totalBytes - position });
  return gaps;
}
