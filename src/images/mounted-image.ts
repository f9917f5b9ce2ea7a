import { SIGNATURE_BYTES, otherFileSystem } from '../formats/file-system.js';
import type { FileSystemReader } from '../formats/file-system-reader.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import { fatMountPoint } from '../formats/fstab.js';
import { readExt4 } from '../formats/ext4/ext4-files.js';
import { readFat } from '../formats/fat/fat-files.js';
import { isExtended, isFat } from '../formats/partition-types.js';
import { ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Partition, PartitionTable } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import type { OpenOptions, RawImage } from './disk-image.js';
import { noBootPartition } from './image-errors.js';
import type { MountedReader } from './file-view.js';
import { FileView } from './file-view.js';
import { findBootPartition, rootFirst } from './partition-roles.js';
import { withRawImage } from './raw-image.js';

/** A partition and what lies in it. */
export type Volume = {
  readonly partition: Partition;
  readonly reader?: FileSystemReader;
  /** Of a file system that is known by name only: "btrfs". */
  readonly other?: string;
  /** Where the running device has it; undefined for what `files` does not show. */
  readonly mount?: string;
};

/** An image that is being looked at, as the device that runs it has it: nothing is mounted, nothing is written. */
export type MountedImage = {
  readonly image: RawImage;
  readonly table: PartitionTable;
  readonly volumes: readonly Volume[];
  readonly files: FileView;
};

/** The FAT's place where no fstab says another one. */
const FAT_MOUNT = '/boot';

/**
 * Lends an image file, packed or not, or a block device, as partitions and files. Needs no root beyond the right to
 * read it. Throws what withRawImage and `partitions` throw, UserError `boot-partition-unreadable` and ReswarmError
 * `file-system-corrupt`.
 */
export async function withMountedImage<Result>(
  path: string,
  host: Host,
  use: (image: MountedImage) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  return withRawImage(
    path,
    host,
    async (image) => {
      const table = await image.partitions();
      const volumes = await mountVolumes(table, await readVolumes(image, table));
      const mounts = volumes.flatMap(({ mount, reader }): MountedReader[] =>
        mount === undefined || reader === undefined ? [] : [{ mount, reader }],
      );
      const files = await FileView.read(
        path,
        mounts.toSorted((a, b) => a.mount.length - b.mount.length),
      );
      return use({ image, table, volumes, files });
    },
    options,
  );
}

async function readVolumes(image: RawImage, { partitions }: PartitionTable): Promise<readonly Volume[]> {
  return Promise.all(partitions.map((partition) => readVolume(image, partition)));
}

/** The FAT that an image starts from. Throws UserError `no-boot-partition`, `boot-partition-unreadable`. */
export async function readBootVolume(
  image: RawImage,
  table: PartitionTable,
): Promise<Volume & { readonly reader: FileSystemReader }> {
  const partition = await findBootPartition(table, async (candidate) => namesIn(await readVolume(image, candidate)));
  if (partition === undefined) throw noBootPartition(image.name);
  const { reader } = await readVolume(image, partition);
  if (reader === undefined || !isFatReader(reader)) throw noFat(partition, image.name);
  return { partition, reader };
}

/** Looks at one partition of an image. Throws UserError `boot-partition-unreadable`, ReswarmError `file-system-corrupt`. */
async function readVolume(image: RawImage, partition: Partition): Promise<Volume> {
  if (isExtended(partition)) return { partition };
  const name = `partition ${partition.number} of ${image.name}`;
  const read = readInside(image, partition, name);
  const reader = (await readExt4(read, partition.sizeBytes, name)) ?? (await readFat(read, partition.sizeBytes, name));
  if (reader !== undefined) return { partition, reader };
  const other = otherFileSystem(await read(0, Math.min(partition.sizeBytes, SIGNATURE_BYTES)));
  if (other === undefined && isPromisedFat(partition)) throw noFat(partition, image.name);
  return { partition, ...(other === undefined ? {} : { other }) };
}

/** Microsoft's "basic data" of a GPT may be NTFS or nothing; an MBR's type says more. */
function isPromisedFat(partition: Partition): boolean {
  return isFat(partition) && typeof partition.type === 'number';
}

/** Bytes of a partition, counted from its start; what is not there is an error of the file system. */
function readInside(image: RawImage, partition: Partition, name: string): ReadAt {
  return async (offsetBytes, sizeBytes) => {
    if (offsetBytes >= 0 && offsetBytes + sizeBytes <= partition.sizeBytes) {
      const bytes = await image.read(partition.offsetBytes + offsetBytes, sizeBytes);
      if (bytes.length === sizeBytes) return bytes;
    }
    throw new ReswarmError('file-system-corrupt', `The file system of ${name} is damaged: it points beyond its end`, {
      details: [`wanted: ${sizeBytes} bytes at ${offsetBytes}; the partition has ${partition.sizeBytes}`],
    });
  };
}

/** The FAT to its mount point, the root to "/"; others stay unmounted. */
async function mountVolumes(table: PartitionTable, volumes: readonly Volume[]): Promise<readonly Volume[]> {
  const volumeOf = (wanted: Partition): Volume | undefined => volumes.find(({ partition }) => partition === wanted);
  const boot = await findBootPartition(table, (candidate) => namesIn(volumeOf(candidate)));
  const isFatVolume = ({ reader }: Volume): boolean => reader !== undefined && isFatReader(reader);
  // What is there is shown, also where no firmware would look for it.
  const fat = volumes.find((volume) => volume.partition === boot && isFatVolume(volume)) ?? volumes.find(isFatVolume);
  const commandLine = fat?.reader === undefined ? '' : await commandLineOf(fat.reader);
  const root = rootFirst(table.partitions, commandLine, (partition) => volumeOf(partition)?.reader?.facts)
    .map(volumeOf)
    .find((volume) => volume?.reader?.facts.kind.startsWith('ext') === true);
  const fstab = root?.reader === undefined ? '' : await readText(root.reader, '/etc/fstab');
  return volumes.map((volume) => {
    if (volume === root) return { ...volume, mount: '/' };
    return volume === fat ? { ...volume, mount: fatMountPoint(fstab) ?? FAT_MOUNT } : volume;
  });
}

function isFatReader({ facts }: FileSystemReader): boolean {
  return facts.kind.startsWith('fat');
}

async function namesIn(volume: Volume | undefined): Promise<ReadonlySet<string> | undefined> {
  if (volume?.reader === undefined || !isFatReader(volume.reader)) return undefined;
  const view = await FileView.read('', [{ mount: '/', reader: volume.reader }]);
  return new Set(view.children('/').map(({ path }) => path.slice(1).toLowerCase()));
}

/** The image's own command line; empty where it has none. */
async function commandLineOf(fat: FileSystemReader): Promise<string> {
  const { commandLine } = bootFilesOf(await readText(fat, '/config.txt'));
  return readText(fat, `/${commandLine}`);
}

async function readText(reader: FileSystemReader, path: string): Promise<string> {
  const view = await FileView.read('', [{ mount: '/', reader }]);
  return (await view.text(path)) ?? '';
}

function noFat({ number }: Partition, name: string): UserError {
  return new UserError('boot-partition-unreadable', `Partition ${number} of ${name} holds no FAT file system`, {
    hints: ['The partition table says that it should.'],
  });
}
