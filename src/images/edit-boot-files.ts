import type { FatChange } from '../formats/fat/editor.js';
import { FatEditor } from '../formats/fat/editor.js';
import { fatTime } from '../formats/fat/new-entry.js';
import type { Extent, ImageDelta } from '../formats/delta/image-delta.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import { DESCRIPTOR_OFFSET, isDisc } from '../formats/iso9660.js';
import { SectorCache } from '../formats/delta/sector-cache.js';
import { UserError } from '../errors.js';
import type { Partition, PartitionTable } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import { sha256 } from '../model/sha256.js';
import { wholePartitionTable } from './disk-image.js';
import { discSeedFixed, noBootPartition } from './image-errors.js';
import { findSeedPartition } from './partition-roles.js';

/** What is to be different on the boot partition of one device. */
export type BootChanges = {
  /** By path from the root of the partition, without a leading slash; undefined removes the file. */
  readonly files: ReadonlyMap<string, Uint8Array | string | undefined>;
  /** Seconds since 1970: the time of every file that is written. */
  readonly sourceDateEpoch: number;
  /** Eight upper-case hex digits: a volume serial of its own. */
  readonly fatSerial?: string;
  /** Other bytes that change with it, such as a partition table; whole sectors outside of the boot partition. */
  readonly extents?: readonly Extent[];
};

/** An edit of an image, in the order in which it can be written without ever leaving a broken FAT behind. */
export type BootEdit = {
  readonly overlay: ImageDelta;
  /** What to write, step by step; each must be on the disk before the next one begins. */
  readonly steps: readonly (readonly Extent[])[];
};

/** The FAT partition with the seed of an image, open for looking at and for planning an edit. */
export type BootPartitionView = {
  readonly table: PartitionTable;
  readonly partition: Partition;
  readonly serial: string;
  /** Names in the root. */
  names(): Promise<readonly string[]>;
  /** What the kernel is started with; empty where there is none. */
  commandLine(): Promise<string>;
  /** undefined for a file that is not there. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  edit(changes: BootChanges): Promise<BootEdit>;
};

/**
 * Reads the partition table and the boot sector; everything else when it is asked for. Throws UserError
 * `not-an-image`, `partition-table-invalid`, `no-boot-partition`, `boot-partition-not-fat32`, `disc-seed-fixed`,
 * IntegrityError `image-truncated`.
 *
 * @param sectorSizeBytes of a drive
 */
export async function openBootPartition(
  read: ReadAt,
  imageSizeBytes: number,
  name = 'The image',
  sectorSizeBytes?: number,
): Promise<BootPartitionView> {
  const size = { sizeBytes: imageSizeBytes, ...(sectorSizeBytes === undefined ? {} : { sectorSizeBytes }) };
  const table = await wholePartitionTable(read, { name, ...size });
  if (table.partitions.some(holdsDescriptor) && (await isDisc(read))) throw discSeedFixed(name);
  const cache = new SectorCache(read);
  const partition = await findSeedPartition(table, (candidate) => namesInFat(cache, candidate));
  if (partition === undefined) throw noBootPartition(name);
  const editor = await FatEditor.open(cache, partition.offsetBytes);
  return {
    table,
    partition,
    serial: editor.serial,
    names: async () => (await editor.list()).map((entry) => entry.name),
    readFile: (path) => editor.read(path),
    async commandLine() {
      const text = async (path: string): Promise<string> => Buffer.from((await editor.read(path)) ?? []).toString();
      return text(bootFilesOf(await text('config.txt')).commandLine);
    },
    async edit(changes) {
      const files = [...changes.files].map(([path, content]): FatChange => ({
        path,
        bytes: typeof content === 'string' ? Buffer.from(content) : content,
      }));
      const steps = [...(await editor.apply(files, fatTime(changes.sourceDateEpoch)))];
      if (changes.fatSerial !== undefined && changes.fatSerial !== editor.serial) {
        steps.push(await editor.setSerial(changes.fatSerial));
      }
      for (const { offsetBytes, bytes } of changes.extents ?? []) await cache.write(offsetBytes, bytes);
      const others = cache.takeChanges();
      if (others.length > 0) steps.push(others);
      return { overlay: { imageSizeBytes, extents: cache.changes() }, steps };
    },
  };
}

/** A drive that was a disc once may still have a descriptor, in front of its partitions. */
function holdsDescriptor({ offsetBytes, sizeBytes }: Partition): boolean {
  return offsetBytes <= DESCRIPTOR_OFFSET && DESCRIPTOR_OFFSET < offsetBytes + sizeBytes;
}

const UNREADABLE: ReadonlySet<string> = new Set(['boot-partition-not-fat32', 'boot-partition-damaged']);

/** undefined for what is no FAT that can be edited. */
async function namesInFat(cache: SectorCache, { offsetBytes }: Partition): Promise<ReadonlySet<string> | undefined> {
  try {
    const entries = await (await FatEditor.open(cache, offsetBytes)).list();
    return new Set(entries.map((entry) => entry.name.toLowerCase()));
  } catch (error) {
    if (error instanceof UserError && UNREADABLE.has(error.code)) return undefined;
    throw error;
  }
}

/**
 * What the changes make different in an image, as whole sectors; empty when everything is there already. The same
 * image and the same changes give the same overlay. Throws what openBootPartition and FatEditor.apply throw.
 *
 * @param read of the image or card; some tens of KiB are read
 */
export async function bootOverlay(read: ReadAt, imageSizeBytes: number, changes: BootChanges): Promise<ImageDelta> {
  const view = await openBootPartition(read, imageSizeBytes);
  return (await view.edit(changes)).overlay;
}

/**
 * Reads the files back and compares. Throws nothing: returns the paths that are not as they should be.
 *
 * @param read must go to the disk itself, not to what is remembered of it
 */
export async function wrongBootFiles(
  read: ReadAt,
  imageSizeBytes: number,
  files: BootChanges['files'],
  sectorSizeBytes?: number,
): Promise<readonly string[]> {
  const view = await openBootPartition(read, imageSizeBytes, undefined, sectorSizeBytes);
  const wrong: string[] = [];
  for (const [path, content] of files) {
    const found = await view.readFile(path);
    const wanted = typeof content === 'string' ? Buffer.from(content) : content;
    if (digest(found) !== digest(wanted)) wrong.push(path);
  }
  return wrong;
}

function digest(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : sha256(bytes);
}
