import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { openFileSystem } from '../formats/file-systems.js';
import { partitionNamed, rootWordOf } from '../formats/root-word.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import { fatMountPoint, parseFstab } from '../formats/fstab.js';
import { isExtended, isFat } from '../formats/partition-types.js';
import { ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Partition, PartitionTable } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import type { RawImage } from './disk-image.js';
import { noBootPartition } from './image-errors.js';
import { findBootPartition, findSeedPartition, rootFirst } from './partition-roles.js';
import type { ScratchFiles } from './scratch-files.js';
import { openSquashfs } from './squashfs-files.js';

/** A partition and what lies in it. */
export type Volume = {
  readonly partition: Partition;
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

/** The FAT's place where no fstab says another one. */
export const FAT_MOUNT = '/boot';
export async function readVolumes(
  image: RawImage,
  { partitions }: PartitionTable,
  scratch: ScratchFiles,
  host: Host,
): Promise<readonly Volume[]> {
  return Promise.all(
    partitions.map(async (partition) => {
      const volume = await readVolume(image, partition);
      return volume.other === 'squashfs' ? readSquashfs(volume, image, scratch, host) : volume;
    }),
  );
}

async function readSquashfs(
  volume: Volume,
  { name, read }: RawImage,
  scratch: ScratchFiles,
  host: Host,
): Promise<Volume> {
  const { partition } = volume;
  const here: ReadAt = (offset, size) => read(partition.offsetBytes + offset, size);
  const subject = `partition ${partition.number} of ${name}`;
  try {
    return { partition, reader: await openSquashfs(here, partition.sizeBytes, subject, scratch, host) };
  } catch (error) {
    if (error instanceof ReswarmError) return { partition, other: 'squashfs', error };
    throw error;
  }
}

/**
 * The FAT that an image starts from. Throws UserError `no-boot-partition`, `boot-partition-unreadable`, ReswarmError
 * `file-system-not-read`, `file-system-corrupt`.
 */
export async function readBootVolume(image: RawImage, table: PartitionTable): Promise<FatVolume> {
  return readFat(image, table, findBootPartition);
}

/** The FAT with an image's seed: not always the one that it starts from. Throws what readBootVolume throws. */
export async function readSeedVolume(image: RawImage, table: PartitionTable): Promise<FatVolume> {
  return readFat(image, table, findSeedPartition);
}

type FatVolume = Volume & { readonly reader: FileSystemReader };

async function readFat(image: RawImage, table: PartitionTable, find: typeof findBootPartition): Promise<FatVolume> {
  const partition = await find(table, async (candidate) => namesIn(await readVolume(image, candidate)));
  if (partition === undefined) throw noBootPartition(image.name);
  const { reader, error } = await readVolume(image, partition);
  if (reader === undefined || !isFatReader(reader)) throw error ?? noFat(partition, image.name);
  return { partition, reader };
}

/** Looks at one partition of an image. What cannot be read ends nothing: it is the volume's `error`. */
async function readVolume(image: RawImage, partition: Partition): Promise<Volume> {
  if (isExtended(partition)) return { partition };
  const name = `partition ${partition.number} of ${image.name}`;
  const found = await openFileSystem(
    (offsetBytes, sizeBytes) => image.read(partition.offsetBytes + offsetBytes, sizeBytes),
    partition.sizeBytes,
    name,
  );
  const isEmpty = found.reader === undefined && found.other === undefined;
  const error = isEmpty && isPromisedFat(partition) ? noFat(partition, image.name) : undefined;
  return { partition, ...found, ...(error === undefined ? {} : { error }) };
}

/** Microsoft's "basic data" of a GPT may be NTFS or nothing; an MBR's type says more. */
function isPromisedFat(partition: Partition): boolean {
  return isFat(partition) && typeof partition.type === 'number';
}

/** The FAT to its mount point, the root to "/", the others to where fstab has them. */
export async function mountVolumes(table: PartitionTable, volumes: readonly Volume[]): Promise<readonly Volume[]> {
  const volumeOf = (wanted: Partition): Volume | undefined => volumes.find(({ partition }) => partition === wanted);
  const boot = await findBootPartition(table, async (candidate) =>
    namesIn(volumeOf(candidate) ?? { partition: candidate }),
  );
  const isFatVolume = ({ reader }: Volume): boolean => reader !== undefined && isFatReader(reader);
  // What is there is shown, also where no firmware would look for it.
  const fat = volumes.find((volume) => volume.partition === boot && isFatVolume(volume)) ?? volumes.find(isFatVolume);
  const commandLine = fat?.reader === undefined ? '' : await commandLineOf(fat.reader);
  const candidates = rootFirst(table.partitions, commandLine, (partition) => volumeOf(partition)?.reader?.facts);
  const root = candidates.map(volumeOf).find((volume) => volume?.reader?.facts.kind.startsWith('ext') === true);
  const fstab = root?.reader === undefined ? '' : await readText(root.reader, '/etc/fstab');
  const slots = root?.reader === undefined ? '' : await readText(root.reader, PARTITION_NAMES);
  const others = parseFstab(fstab).map(({ source, mount }) => {
    const number = numberOfSlot(source, slots);
    if (number !== undefined) return { mount, partition: table.partitions.find((one) => one.number === number) };
    const word = rootWordOf(`root=${source}`);
    const facts = (partition: Partition) => volumeOf(partition)?.reader?.facts;
    return { mount, partition: word && partitionNamed(word, table.partitions, facts) };
  });
  return volumes.map((volume) => {
    if (volume === root) return { ...volume, mount: '/' };
    if (volume === fat && slots === '') return { ...volume, mount: fatMountPoint(fstab) ?? FAT_MOUNT };
    const mount = others.find(({ partition }) => partition === volume.partition)?.mount;
    return mount === undefined || mount === '/' ? volume : { ...volume, mount };
  });
}

/** Which partition is which in a root with slots, whose fstab names none by the disk; src/build/debian/slot-texts.ts. */
const PARTITION_NAMES = '/usr/lib/reswarm/partitions';

/** `/dev/reswarm/data` is the data partition, `/dev/reswarm/boot` that of the running slot: A in an image. */
function numberOfSlot(source: string, names: string): number | undefined {
  const wanted = /^\/dev\/reswarm\/(.+)$/.exec(source)?.[1];
  const name = wanted === 'boot' || wanted === 'root' ? `${wanted}-a` : wanted;
  const line = names.split('\n').find((one) => one.split(' ')[1] === name);
  return line === undefined ? undefined : Number.parseInt(line, 16);
}

export function isFatReader({ facts }: FileSystemReader): boolean {
  return facts.kind.startsWith('fat');
}

async function namesIn({ reader }: Volume): Promise<ReadonlySet<string> | undefined> {
  if (reader === undefined || !isFatReader(reader)) return undefined;
  const entries = await unlessUnread(() => reader.list('/'));
  return entries && new Set(entries.map(({ path }) => path.slice(1).toLowerCase()));
}

/** The image's own command line; empty where it has none. */
async function commandLineOf(fat: FileSystemReader): Promise<string> {
  const { commandLine } = bootFilesOf(await readText(fat, '/config.txt'));
  return readText(fat, `/${commandLine}`);
}

async function readText(reader: FileSystemReader, path: string): Promise<string> {
  return (await unlessUnread(() => reader.readFile(path)))?.toString('utf8') ?? '';
}

/** undefined for what cannot be read: that is said when its files are shown. */
export async function unlessUnread<T>(use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof ReswarmError) return undefined;
    throw error;
  }
}

function noFat({ number }: Partition, name: string): UserError {
  return new UserError('boot-partition-unreadable', `Partition ${number} of ${name} holds no FAT file system`, {
    hints: ['The partition table says that it should.'],
  });
}
