import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { bootFilesOf } from '../formats/firmware-choice.js';
import { fatMountPoint, rootPartitionNumber } from '../formats/fstab.js';
import type { MbrPartition } from '../formats/mbr.js';
import { isFat } from '../formats/mbr.js';
import { ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { withRawImage } from './image-source.js';
import type { PartitionTable } from './image-table.js';
import { readPartitionTable } from './image-table.js';
import type { ReadBytes } from '../formats/file-system.js';
import type { FileSystemReader } from '../formats/file-system-reader.js';
import { openFileSystem } from '../formats/file-systems.js';
import type { MountedReader, Unread } from './file-view.js';
import { FileView } from './file-view.js';

/** A partition and what lies in it. */
export type Volume = {
  readonly partition: MbrPartition;
  readonly reader?: FileSystemReader;
  /** Of a file system that is not read: "btrfs". */
  readonly other?: string;
  /** Why it is not read: `file-system-not-read`, `file-system-corrupt` or `boot-partition-unreadable`. */
  readonly error?: ReswarmError;
  /** Another file system's signature in it, which blkid may take it for. */
  readonly signature?: string;
  /** Where the running device has it; undefined for what `files` does not show. */
  readonly mount?: string;
};

/** An image that is being looked at: nothing is mounted, nothing is written. */
export type OpenImage = {
  /** As it was given. */
  readonly path: string;
  /** The image itself, or the unpacked copy of a packed one. */
  readonly rawPath: string;
  readonly table: PartitionTable;
  readonly volumes: readonly Volume[];
  readonly files: FileView;
};

/** The FAT's place where no fstab says another one. */
const FAT_MOUNT = '/boot';

/**
 * Lends an image file, packed or not, or a block device, as partitions and files. Needs no root beyond the right to
 * read it. Throws what withRawImage and readPartitionTable throw, UserError `boot-partition-unreadable` and
 * ReswarmError `file-system-corrupt`.
 */
export async function withOpenImage<Result>(
  path: string,
  host: Host,
  use: (image: OpenImage) => Promise<Result>,
): Promise<Result> {
  return withRawPath(path, undefined, host, async (rawPath) => {
    const table = { ...(await readPartitionTable(rawPath)), path };
    const file = await open(rawPath, 'r');
    try {
      const volumes = await Promise.all(table.partitions.map((partition) => readVolume(file, partition, path, host)));
      const mounted = await mountVolumes(volumes);
      const mounts = mounted.flatMap(({ mount, reader }): MountedReader[] =>
        mount === undefined || reader === undefined ? [] : [{ mount, reader }],
      );
      const files = await FileView.read(
        path,
        mounts.toSorted((a, b) => a.mount.length - b.mount.length),
        mounted.flatMap(({ error }): Unread[] => (error === undefined ? [] : [{ error }])),
      );
      return await use({ path, rawPath, table, volumes: mounted, files });
    } finally {
      await file.close();
    }
  });
}

/**
 * withRawImage for block devices too, which are never packed.
 * @param tools root of a tools tree to unpack with; undefined: this machine's own programs
 */
export async function withRawPath<Result>(
  path: string,
  tools: string | undefined,
  host: Host,
  use: (rawPath: string) => Promise<Result>,
): Promise<Result> {
  const status = await stat(path).catch(() => undefined);
  return status?.isBlockDevice() === true ? use(path) : withRawImage(path, tools, host, use);
}

/** Looks at one partition of an open image. What cannot be read ends nothing: it is the volume's `error`. */
export async function readVolume(file: FileHandle, partition: MbrPartition, path: string, host: Host): Promise<Volume> {
  const name = `partition ${partition.number} of ${path}`;
  const read: ReadBytes = async (offset, size) => {
    host.signal.throwIfAborted();
    return readExactly(file, partition, offset, size, name);
  };
  const found = await openFileSystem(read, partition.sizeBytes, name);
  const isEmpty = found.reader === undefined && found.other === undefined;
  return { partition, ...found, ...(isEmpty && isFat(partition) ? { error: noFat(partition, path) } : {}) };
}

function noFat({ number }: MbrPartition, path: string): UserError {
  return new UserError('boot-partition-unreadable', `Partition ${number} of ${path} holds no FAT file system`, {
    hints: ['The partition table says that it should.'],
  });
}

async function readExactly(
  file: FileHandle,
  partition: MbrPartition,
  offset: number,
  size: number,
  name: string,
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(size);
  const isInside = offset >= 0 && offset + size <= partition.sizeBytes;
  for (let filled = 0; isInside && filled < size;) {
    const { bytesRead } = await file.read(bytes, filled, size - filled, partition.offsetBytes + offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
    if (filled === size) return bytes;
  }
  throw new ReswarmError('file-system-corrupt', `The file system of ${name} is damaged: it points beyond its end`, {
    details: [`wanted: ${size} bytes at ${offset}; the partition has ${partition.sizeBytes}`],
  });
}

/** The FAT to its mount point, the root to "/"; others stay unmounted. */
async function mountVolumes(volumes: readonly Volume[]): Promise<readonly Volume[]> {
  const fat = volumes.find(({ reader }) => reader?.facts.kind.startsWith('fat') === true);
  const linux = volumes.filter(({ reader }) => reader?.facts.kind.startsWith('ext') === true);
  const root = linux.find(({ partition }) => partition.number === 2) ?? linux[0];
  const named = fat?.reader === undefined ? undefined : await rootNumber(fat.reader);
  const chosen = linux.find(({ partition }) => partition.number === named) ?? root;
  const fstab = chosen?.reader === undefined ? '' : await readText(chosen.reader, '/etc/fstab');
  return volumes.map((volume) => {
    if (volume === chosen) return { ...volume, mount: '/' };
    return volume === fat ? { ...volume, mount: fatMountPoint(fstab) ?? FAT_MOUNT } : volume;
  });
}

/** What the image's own command line names as its root. */
async function rootNumber(fat: FileSystemReader): Promise<number | undefined> {
  const { commandLine } = bootFilesOf(await readText(fat, '/config.txt'));
  return rootPartitionNumber(await readText(fat, `/${commandLine}`));
}

/** Empty where it is not there, or cannot be read: that is said when its files are shown. */
async function readText(reader: FileSystemReader, path: string): Promise<string> {
  try {
    return (await reader.readFile(path))?.toString('utf8') ?? '';
  } catch (error) {
    if (error instanceof ReswarmError) return '';
    throw error;
  }
}
