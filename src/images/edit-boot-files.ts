import type { FatChange } from '../formats/fat/editor.js';
import { FatEditor } from '../formats/fat/editor.js';
import { fatTime } from '../formats/fat/new-entry.js';
import { isFat, MBR_SIZE_BYTES, parseMbr, type MbrPartition } from '../formats/mbr.js';
import type { Extent, Overlay, ReadBytes } from '../formats/image-delta.js';
import { SectorCache } from '../formats/sector-cache.js';
import { UserError } from '../errors.js';
import { sha256 } from '../model/sha256.js';

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
  readonly overlay: Overlay;
  /** What to write, step by step; each must be on the disk before the next one begins. */
  readonly steps: readonly (readonly Extent[])[];
};

/** The FAT partition of an image, open for looking at and for planning an edit. */
export type BootPartitionView = {
  readonly mbr: { readonly diskId: string; readonly partitions: readonly MbrPartition[] };
  readonly partition: MbrPartition;
  readonly serial: string;
  /** Names in the root. */
  names(): Promise<readonly string[]>;
  /** undefined for a file that is not there. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  edit(changes: BootChanges): Promise<BootEdit>;
};

/**
 * Reads the partition table and the boot sector; everything else when it is asked for. Throws UserError
 * `not-an-image`, `no-boot-partition`, `image-truncated`, `boot-partition-not-fat32`.
 */
export async function openBootPartition(
  read: ReadBytes,
  imageSizeBytes: number,
  name = 'The image',
): Promise<BootPartitionView> {
  const mbr = parseMbr(await read(0, MBR_SIZE_BYTES));
  if (mbr === undefined || mbr.partitions.length === 0) {
    throw new UserError('not-an-image', `${name} is not a disk image: it has no partition table`, {
      hints: ['`reswarm-os build` makes one.'],
    });
  }
  const partition = mbr.partitions.find(isFat);
  if (partition === undefined) {
    throw new UserError('no-boot-partition', `${name} has no FAT partition to boot from`, {
      hints: ['A Raspberry Pi starts from a FAT partition in an MBR partition table.'],
    });
  }
  // Also where only the root partition is cut off: nobody should go on with half an image.
  if (mbr.partitions.some(({ offsetBytes, sizeBytes }) => offsetBytes + sizeBytes > imageSizeBytes)) {
    throw new UserError('image-truncated', `${name} ends before its partitions do`, {
      hints: ['Was it copied or downloaded to its end?'],
    });
  }
  const cache = new SectorCache(read);
  const editor = await FatEditor.open(cache, partition.offsetBytes);
  return {
    mbr,
    partition,
    serial: editor.serial,
    names: async () => (await editor.list()).map((entry) => entry.name),
    readFile: (path) => editor.read(path),
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

/**
 * What the changes make different in an image, as whole sectors; empty when everything is there already. The same
 * image and the same changes give the same overlay. Throws what openBootPartition and FatEditor.apply throw.
 *
 * @param read of the image or card; some tens of KiB are read
 */
export async function bootOverlay(read: ReadBytes, imageSizeBytes: number, changes: BootChanges): Promise<Overlay> {
  const view = await openBootPartition(read, imageSizeBytes);
  return (await view.edit(changes)).overlay;
}

/**
 * Reads the files back and compares. Throws nothing: returns the paths that are not as they should be.
 *
 * @param read must go to the disk itself, not to what is remembered of it
 */
export async function wrongBootFiles(
  read: ReadBytes,
  imageSizeBytes: number,
  files: BootChanges['files'],
): Promise<readonly string[]> {
  const view = await openBootPartition(read, imageSizeBytes);
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
