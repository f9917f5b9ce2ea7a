import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import type { Compression } from '../formats/compression.js';
import { compressionOf, foreignPacking } from '../formats/compression.js';
import { SIGNATURE_BYTES } from '../formats/file-system/file-system.js';
import { MBR_SIZE_BYTES, isBootSector } from '../formats/mbr.js';
import { readPartitionTable } from '../formats/partition-table.js';
import { blockDeviceBytes, blockDeviceSectorBytes } from '../host/drives/block-device-size.js';
import { fileReadInto } from '../host/file-reader.js';
import type { Host } from '../host/host.js';
import { KiB } from '../model/bytes.js';
import type { PartitionTable } from '../model/partition-table.js';
import { partitionsEndBytes } from '../model/partition-table.js';
import type { ReadAt, ReadInto } from '../model/read-at.js';
import { readAtOf } from '../model/read-at.js';
import { findTools } from '../tools/find-tools.js';
import { cannotOpen, imageTruncated, noOrdinaryFile, noPartitionTable, unknownPacking } from './image-errors.js';
import { contentKindOf } from './content-kind.js';
import { unpackedBytes } from './unpack-image.js';

/** An image: a file, packed or not, or a drive that holds one. */
export type DiskImage = {
  /** What people know it by: the path as it was given. */
  readonly name: string;
  /** Where its bytes are; the unpacked copy of a packed image lies elsewhere than its name says. */
  readonly path: string;
  readonly isDrive: boolean;
  readonly compression: Compression;
  /** Of the image; known beforehand only when it is not packed. */
  readonly sizeBytes?: number;
  /** Of the file as it lies there; 0 where it is not known. */
  readonly fileSizeBytes: number;
  /** Its stream comes once: through a pipe. */
  readonly isReadOnce?: true;
  /**
   * The image from its beginning; may be called again. `onFileBytes` sees the file's own bytes as they are read, each
   * exactly once and in order. Throws IntegrityError `image-corrupt`, UserError `decompressor-missing`.
   */
  stream(onFileBytes?: (bytes: Uint8Array) => void): AsyncIterable<Uint8Array>;
  /** The file as it lies there. */
  fileBytes(onFileBytes?: (bytes: Uint8Array) => void): AsyncIterable<Uint8Array>;
  /** Fills `target` from the image's `offsetBytes`; only where it is not packed. */
  readonly readInto?: ReadInto;
  close(): Promise<void>;
};

/** One that is not packed: its bytes can be read in any order. */
export type RawImage = DiskImage & {
  readonly sizeBytes: number;
  /** Of a drive; an image file does not say. */
  readonly sectorSizeBytes?: number;
  readonly readInto: ReadInto;
  readonly read: ReadAt;
  /** Bytes that went in and out so far, those of withFreshRead included. */
  readonly traffic: { readBytes: number; writtenBytes: number };
  /**
   * Throws UserError `not-an-image`, `partition-table-invalid`, and IntegrityError `image-truncated` where a partition
   * ends behind the image.
   */
  partitions(): Promise<PartitionTable>;
};

export type OpenOptions = {
  /** `any`: discs, archives and squashfs too, which nobody can write to a card as they are. */
  readonly content?: 'disk' | 'any';
  /** Root of a tools tree whose decompressors are used; default: that of the store, or else this machine's own programs. */
  readonly tools?: string;
};

const FILE_CHUNK_BYTES = 512 * KiB;

/**
 * Opens an image or a drive for reading, and looks at its first sector. Throws UserError `image-not-found`,
 * `image-not-readable`, `image-compression-unknown`, `not-an-image`, `decompressor-missing` or IntegrityError
 * `image-corrupt`.
 */
export async function openDiskImage(path: string, host: Host, options: OpenOptions = {}): Promise<DiskImage> {
  const opened = await openPath(path, 'read');
  try {
    const image = await imageOf(opened, host, options);
    const isWanted =
      options.content === 'any'
        ? contentKindOf(await firstBytes(image, SIGNATURE_BYTES)) !== undefined
        : isBootSector(await firstBytes(image, MBR_SIZE_BYTES));
    if (!isWanted) throw noPartitionTable(image.compression === 'none' ? path : `What is packed in ${path}`);
    return image;
  } catch (error) {
    await opened.file.close();
    throw error;
  }
}

/** Whether an image is one that is not packed. */
export function isRaw(image: DiskImage): image is RawImage {
  return 'partitions' in image;
}

/** Whether a path leads to a block device. False for what is not there. */
export async function isDrive(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isBlockDevice() === true;
}

export type OpenedFile = {
  readonly path: string;
  readonly file: FileHandle;
  readonly isDrive: boolean;
  readonly sizeBytes: number;
  /** Of a drive. */
  readonly sectorSizeBytes?: number;
};

/** Throws what cannotOpen and noOrdinaryFile say. */
export async function openPath(path: string, access: 'read' | 'write'): Promise<OpenedFile> {
  try {
    const status = await stat(path);
    if (!status.isFile() && !status.isBlockDevice()) {
      throw noOrdinaryFile(path, status.isDirectory() ? 'a folder' : 'no ordinary file');
    }
    const file = await open(path, access === 'write' ? 'r+' : 'r');
    return status.isFile() ? { path, file, isDrive: false, sizeBytes: status.size } : await openedDrive(path, file);
  } catch (error) {
    throw cannotOpen(path, access, error);
  }
}

/**
 * A block device that somebody has opened already.
 * @param knownBytes its size, where that is known
 */
export async function openedDrive(path: string, file: FileHandle, knownBytes?: number): Promise<OpenedFile> {
  const { rdev } = await file.stat();
  const sectorSizeBytes = await blockDeviceSectorBytes(rdev);
  return {
    path,
    file,
    isDrive: true,
    sizeBytes: knownBytes ?? (await blockDeviceBytes(rdev)) ?? 0,
    ...(sectorSizeBytes === undefined ? {} : { sectorSizeBytes }),
  };
}

async function imageOf(opened: OpenedFile, host: Host, options: OpenOptions): Promise<DiskImage> {
  const { path, file, sizeBytes: fileSizeBytes } = opened;
  const head = Buffer.alloc(MBR_SIZE_BYTES);
  await file.read(head, 0, head.length, 0);
  const compression = opened.isDrive ? 'none' : compressionOf(head);
  if (compression === 'none') {
    const foreign = foreignPacking(head);
    if (foreign !== undefined) throw unknownPacking(path, foreign);
    return rawImage(opened, { name: path }, host);
  }
  const tools = options.tools ?? (await findTools(host));
  const ownBytes: DiskImage['fileBytes'] = (onFileBytes) =>
    bytesOf(fileReadInto(file), fileSizeBytes, host, onFileBytes);
  return {
    name: path,
    path,
    isDrive: false,
    compression,
    fileSizeBytes,
    stream: (onFileBytes) => unpackedBytes({ path, compression, packed: ownBytes(onFileBytes) }, tools, host),
    fileBytes: ownBytes,
    close: () => file.close(),
  };
}

/** @param name what to call it in messages */
export function rawImage(
  { path, file, isDrive: isBlockDevice, sizeBytes, sectorSizeBytes }: OpenedFile,
  { name }: { readonly name: string },
  host: Host,
): RawImage {
  const traffic = { readBytes: 0, writtenBytes: 0 };
  const readFile = fileReadInto(file);
  const readInto: ReadInto = async (target, offsetBytes) => {
    const count = await readFile(target, offsetBytes);
    traffic.readBytes += count;
    return count;
  };
  const readAt = readAtOf(readInto);
  const read: ReadAt = (offsetBytes, wantedBytes) => {
    host.signal.throwIfAborted();
    // Nobody asks for memory that the image cannot fill.
    return readAt(offsetBytes, Math.max(0, Math.min(wantedBytes, sizeBytes - offsetBytes)));
  };
  const sectorSize = sectorSizeBytes === undefined ? {} : { sectorSizeBytes };
  const stream: DiskImage['stream'] = (onFileBytes) => bytesOf(readInto, sizeBytes, host, onFileBytes);
  return {
    name,
    path,
    isDrive: isBlockDevice,
    compression: 'none',
    sizeBytes,
    fileSizeBytes: sizeBytes,
    stream,
    fileBytes: stream,
    readInto,
    read,
    traffic,
    ...sectorSize,
    partitions: () => wholePartitionTable(read, { name, sizeBytes, ...sectorSize }),
    close: () => file.close(),
  };
}

/** The table of an image that is whole; throws what `partitions` throws. */
export async function wholePartitionTable(
  read: ReadAt,
  image: { readonly name: string; readonly sizeBytes: number; readonly sectorSizeBytes?: number },
): Promise<PartitionTable> {
  const { name, sizeBytes, sectorSizeBytes } = image;
  const table = await readPartitionTable(read, sizeBytes, sectorSizeBytes);
  if (table === undefined || table.partitions.length === 0) throw noPartitionTable(name);
  // Also where only the root partition is cut off: nobody should go on with half an image.
  const neededBytes = partitionsEndBytes(table);
  if (neededBytes > sizeBytes) throw imageTruncated(name, { sizeBytes, neededBytes });
  return table;
}

async function* bytesOf(
  readInto: ReadInto,
  sizeBytes: number,
  host: Host,
  onFileBytes?: (bytes: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  for (let position = 0; position < sizeBytes;) {
    host.signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(FILE_CHUNK_BYTES, sizeBytes - position));
    const count = await readInto(buffer, position);
    if (count === 0) return;
    const bytes = buffer.subarray(0, count);
    onFileBytes?.(bytes);
    position += count;
    yield bytes;
  }
}

/** Fewer where it ends before. */
async function firstBytes(image: DiskImage, count: number): Promise<Buffer> {
  const sector = Buffer.alloc(count);
  let filled = 0;
  for await (const chunk of image.stream()) {
    sector.set(chunk.subarray(0, sector.length - filled), filled);
    filled = Math.min(sector.length, filled + chunk.length);
    if (filled === sector.length) break;
  }
  return sector.subarray(0, filled);
}
