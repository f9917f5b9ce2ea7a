import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { openFileSystem } from '../formats/file-systems.js';
import { partitionNamed, rootWordOf } from '../formats/root-word.js';
import { compressionOf, MAGIC_BYTES } from '../formats/compression.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import { fatMountPoint, parseFstab } from '../formats/fstab.js';
import { isExtended, isFat } from '../formats/partition-types.js';
import { ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Partition, PartitionTable } from '../model/partition-table.js';
import { SIGNATURE_BYTES } from '../formats/file-system/file-system.js';
import type { ReadAt } from '../model/read-at.js';
import type { ContentKind } from './content-kind.js';
import { contentKindOf } from './content-kind.js';
import type { Disc } from './disc.js';
import { openDisc } from './disc.js';
import type { OpenOptions, RawImage } from './disk-image.js';
import { openPath, rawImage } from './disk-image.js';
import { noBootPartition } from './image-errors.js';
import type { MountedReader, Unread } from './file-view.js';
import { FileView } from './file-view.js';
import { findBootPartition, rootFirst } from './partition-roles.js';
import { withRawImage } from './raw-image.js';
import type { ScratchFiles } from './scratch-files.js';
import { withScratchFiles } from './scratch-files.js';
import type { InnerArchive, InnerRoot } from './small-root.js';
import { findInitramfs, openSmallRoot } from './small-root.js';
import { openSquashfs } from './squashfs-files.js';
import { unpackedBytes } from './unpack-image.js';

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

/** An image that is being looked at, as the device that runs it has it: nothing is mounted, nothing is written. */
export type MountedImage = {
  readonly image: RawImage;
  readonly kind: ContentKind;
  /** Of a disk, and of a disc that starts from a stick too. */
  readonly table?: PartitionTable;
  readonly volumes: readonly Volume[];
  /** Of a disc. */
  readonly disc?: Disc;
  /** With a root in them, the outer ones first. */
  readonly archives: readonly InnerArchive[];
  readonly files: FileView;
};

/** The FAT's place where no fstab says another one. */
const FAT_MOUNT = '/boot';
/** Places of a disc whose root is in an archive, and of the FAT in it. */
const DISC_MOUNT = '/iso';
const EFI_MOUNT = '/efi';

/**
 * Lends an image file, packed or not, or a block device, as partitions and files: a disk, a disc, an initramfs or a
 * squashfs. Needs no root beyond the right to read it. Throws what withRawImage, `partitions`, openDisc, openInitramfs
 * and openSquashfs throw.
 */
export async function withMountedImage<Result>(
  path: string,
  host: Host,
  use: (image: MountedImage) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  return withScratchFiles(host, options.tools, async (scratch) => {
    const isPacked = await isPackedInitramfs(path, scratch, host);
    return (isPacked ? withFileItself : withRawImage)(
      path,
      host,
      async (image) => {
        const kind = isPacked ? 'initramfs' : (contentKindOf(await image.read(0, SIGNATURE_BYTES)) ?? 'disk');
        const { mounts, unread, ...found } = await MOUNT[kind](image, scratch, host);
        const files = await FileView.read(
          path,
          mounts.toSorted((a, b) => a.mount.length - b.mount.length),
          unread,
        );
        return use({ image, kind, ...found, files });
      },
      { ...options, content: 'any' },
    );
  });
}

/**
 * Of a compressed initramfs the file itself is read: behind the first part there may be another one, which programs that
 * unpack pass over or refuse.
 */
async function isPackedInitramfs(path: string, scratch: ScratchFiles, host: Host): Promise<boolean> {
  const opened = await openPath(path, 'read');
  try {
    const image = rawImage(opened, { name: path }, host);
    const compression = opened.isDrive ? 'none' : compressionOf(await image.read(0, MAGIC_BYTES));
    if (compression === 'none') return false;
    const packed = image.fileBytes();
    for await (const start of unpackedBytes({ path, compression, packed }, await scratch.tools(), host)) {
      return contentKindOf(start) === 'initramfs';
    }
    return false;
  } finally {
    await opened.file.close();
  }
}

async function withFileItself<Result>(
  path: string,
  host: Host,
  use: (image: RawImage) => Promise<Result>,
): Promise<Result> {
  const image = rawImage(await openPath(path, 'read'), { name: path }, host);
  try {
    return await use(image);
  } finally {
    await image.close();
  }
}

type Found = Omit<MountedImage, 'image' | 'kind' | 'files'> & Pick<InnerRoot, 'mounts' | 'unread'>;
type MountKind = (image: RawImage, scratch: ScratchFiles, host: Host) => Promise<Found>;

const MOUNT: Readonly<Record<ContentKind, MountKind>> = {
  disk: mountDisk,
  iso: mountDisc,
  initramfs: mountInitramfs,
  squashfs: mountSquashfs,
};

/** Partitions; where none of them is a root, what the kernel is handed as one. */
async function mountDisk(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Found> {
  const table = await image.partitions();
  const volumes = [...(await mountVolumes(table, await readVolumes(image, table, scratch, host)))];
  const mounts = volumes.flatMap(({ mount, reader }): MountedReader[] =>
    mount === undefined || reader === undefined ? [] : [{ mount, reader }],
  );
  const unread = volumes.flatMap(({ error }): Unread[] => (error === undefined ? [] : [{ error }]));
  const fat = volumes.find(({ reader, mount }) => mount !== undefined && reader !== undefined && isFatReader(reader));
  // Where a root may be that cannot be read, what lies in an archive is another one: the kernel's first.
  const mayHaveRoot = volumes.some(({ reader, error }) => error !== undefined || reader?.facts.kind.startsWith('ext'));
  const root =
    mayHaveRoot || fat?.reader === undefined
      ? NO_ROOT
      : await rootIn(fat.reader, fat.mount ?? FAT_MOUNT, image, scratch, host);
  if (!mayHaveRoot && root.mounts.length + root.unread.length === 0) {
    const squashfs = volumes.find(({ reader, mount }) => reader?.facts.kind === 'squashfs' && mount === undefined);
    if (squashfs?.reader !== undefined) {
      mounts.push({ mount: '/', reader: squashfs.reader });
      volumes[volumes.indexOf(squashfs)] = { ...squashfs, mount: '/' };
    }
  }
  return {
    table,
    volumes,
    archives: root.archives,
    mounts: [...mounts, ...root.mounts],
    unread: [...unread, ...root.unread],
  };
}

const NO_ROOT: InnerRoot = { archives: [], mounts: [], unread: [] };

async function rootIn(
  reader: FileSystemReader,
  mount: string,
  image: RawImage,
  scratch: ScratchFiles,
  host: Host,
): Promise<InnerRoot> {
  const found = await unlessUnread(() => findInitramfs(reader, mount));
  if (found === undefined) return NO_ROOT;
  const name = `${found.path} in ${image.name}`;
  return openSmallRoot(found.bytes, { path: found.path, name }, scratch, host);
}

async function mountDisc(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Found> {
  const disc = await openDisc(image);
  const inTable = disc.table === undefined ? [] : await readVolumes(image, disc.table, scratch, host);
  const uefi = disc.boot.find(({ firmware }) => firmware === 'UEFI');
  const volumes = inTable.map((volume) => {
    const isEfi = disc.efi !== undefined && volume.partition.offsetBytes === uefi?.offsetBytes;
    return isEfi ? { ...volume, mount: EFI_MOUNT } : volume;
  });
  const root = await rootIn(disc.reader, DISC_MOUNT, image, scratch, host);
  const mount = root.mounts.length > 0 || root.unread.length > 0 ? DISC_MOUNT : '/';
  const efi = disc.efi === undefined ? [] : [{ mount: EFI_MOUNT, reader: disc.efi }];
  return {
    ...(disc.table === undefined ? {} : { table: disc.table }),
    volumes,
    disc: { ...disc, mount },
    archives: root.archives,
    mounts: [{ mount, reader: disc.reader }, ...efi, ...root.mounts],
    unread: root.unread,
  };
}

async function mountInitramfs(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Found> {
  const bytes = await image.read(0, image.sizeBytes);
  const { name } = image;
  const root = await openSmallRoot(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    { path: name, name },
    scratch,
    host,
  );
  const [failed] = root.unread;
  if (failed !== undefined && root.mounts.length === 0) throw failed.error;
  return { volumes: [], ...root };
}

async function mountSquashfs(image: RawImage, scratch: ScratchFiles, host: Host): Promise<Found> {
  const reader = await openSquashfs(image.read, image.sizeBytes, image.name, scratch, host);
  const { sizeBytes, compression = '' } = reader.facts;
  const archive = { path: image.name, kind: 'squashfs', compressions: [compression], sizeBytes, mount: '/' } as const;
  return { volumes: [], archives: [archive], mounts: [{ mount: '/', reader }], unread: [] };
}

async function readVolumes(
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
export async function readBootVolume(
  image: RawImage,
  table: PartitionTable,
): Promise<Volume & { readonly reader: FileSystemReader }> {
  const partition = await findBootPartition(table, async (candidate) => namesIn(await readVolume(image, candidate)));
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
async function mountVolumes(table: PartitionTable, volumes: readonly Volume[]): Promise<readonly Volume[]> {
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
  const others = parseFstab(fstab).map(({ source, mount }) => {
    const word = rootWordOf(`root=${source}`);
    const facts = (partition: Partition) => volumeOf(partition)?.reader?.facts;
    return { mount, partition: word && partitionNamed(word, table.partitions, facts) };
  });
  return volumes.map((volume) => {
    if (volume === root) return { ...volume, mount: '/' };
    if (volume === fat) return { ...volume, mount: fatMountPoint(fstab) ?? FAT_MOUNT };
    const mount = others.find(({ partition }) => partition === volume.partition)?.mount;
    return mount === undefined || mount === '/' ? volume : { ...volume, mount };
  });
}

function isFatReader({ facts }: FileSystemReader): boolean {
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
async function unlessUnread<T>(use: () => Promise<T>): Promise<T | undefined> {
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
