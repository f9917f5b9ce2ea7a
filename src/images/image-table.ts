import { open, stat } from 'node:fs/promises';
import { formatSize } from '../model/bytes.js';
import type { MbrPartition } from '../formats/mbr.js';
import { MBR_SIZE_BYTES, isFat, parseMbr } from '../formats/mbr.js';
import { UserError } from '../errors.js';
import { blockDeviceBytes } from '../host/drives/block-device-size.js';

/** An image, or a card that holds one, whose partition table makes sense. */
export type PartitionTable = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Eight hex digits. */
  readonly diskId: string;
  readonly partitions: readonly MbrPartition[];
};

/** One that can be started. */
export type ImageTable = PartitionTable & {
  /** The FAT partition that the firmware would start from. */
  readonly boot: MbrPartition;
};

const COMPRESSED = [
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], unpack: 'xz -dk' },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: 'zstd -d' },
  { name: 'gzip', magic: [0x1f, 0x8b], unpack: 'gzip -dk' },
  { name: 'zip', magic: [0x50, 0x4b, 0x03, 0x04], unpack: 'unzip' },
] as const;

/**
 * Looks at the first sector of an image file or a block device; opens it for reading only. Throws UserError
 * `image-not-found`, `image-not-readable`, `image-compressed`, `not-an-image`, `image-truncated` or `no-boot-partition`.
 */
export async function readImageTable(path: string): Promise<ImageTable> {
  const table = await readPartitionTable(path);
  const boot = table.partitions.find(isFat);
  if (boot === undefined) {
    throw new UserError('no-boot-partition', `${path} has no FAT partition to boot from`, {
      hints: ['A Raspberry Pi starts from a FAT partition in an MBR partition table.'],
    });
  }
  return { ...table, boot };
}

/** The same of any disk image; throws all of it but `no-boot-partition`. */
export async function readPartitionTable(path: string): Promise<PartitionTable> {
  const { sector, sizeBytes } = await readFirstSector(path);
  const packed = COMPRESSED.find(({ magic }) => magic.every((byte, index) => sector[index] === byte));
  if (packed !== undefined) {
    throw new UserError('image-compressed', `${path} is compressed with ${packed.name}`, {
      hints: [`Unpack it first: ${packed.unpack} ${path}`],
    });
  }
  const mbr = parseMbr(sector);
  if (mbr === undefined || mbr.partitions.length === 0) {
    throw new UserError('not-an-image', `${path} is not a disk image: it has no partition table`, {
      hints: ['`reswarm-os build` makes one.'],
    });
  }
  const end = Math.max(...mbr.partitions.map((partition) => partition.offsetBytes + partition.sizeBytes));
  if (end > sizeBytes) {
    throw new UserError(
      'image-truncated',
      `${path} is too short: its partitions end at ${formatSize(end)} (byte ${end}), the file at ${formatSize(sizeBytes)} (${sizeBytes})`,
      { hints: ['Was it copied or downloaded to its end?'] },
    );
  }
  return { path, sizeBytes, diskId: mbr.diskId, partitions: mbr.partitions };
}

async function readFirstSector(path: string): Promise<{ sector: Buffer; sizeBytes: number }> {
  const sector = Buffer.alloc(MBR_SIZE_BYTES);
  try {
    const status = await stat(path);
    const deviceBytes = status.isBlockDevice() ? await blockDeviceBytes(status.rdev) : undefined;
    if (!status.isFile() && deviceBytes === undefined) {
      throw new UserError('not-an-image', `${path} is ${status.isDirectory() ? 'a folder' : 'no ordinary file'}`);
    }
    const file = await open(path, 'r');
    try {
      const { bytesRead } = await file.read(sector, 0, MBR_SIZE_BYTES, 0);
      return { sector: sector.subarray(0, bytesRead), sizeBytes: deviceBytes ?? status.size };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing
      ? new UserError('image-not-found', `There is no image at ${path}`, { cause: error })
      : new UserError('image-not-readable', `${path} cannot be read`, { cause: error });
  }
}
