import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { compressionOf, MAGIC_BYTES } from '../formats/compression.js';
import type { Extent } from '../formats/delta/image-delta.js';
import type { Host } from '../host/host.js';
import { alignedBuffers } from '../model/aligned-buffers.js';
import { KiB } from '../model/bytes.js';
import type { ReadAt } from '../model/read-at.js';
import { Store } from '../pipeline/store.js';
import type { DiskImage, OpenedFile, OpenOptions, RawImage } from './disk-image.js';
import { isRaw, openDiskImage, openPath, rawImage } from './disk-image.js';
import { imagePacked, noOrdinaryFile } from './image-errors.js';
import { writeFully } from './sparse-write.js';
import { unpackTo } from './unpack-image.js';

/** One that may be changed where it lies. */
export type WritableImage = RawImage & {
  /** Writes the steps one after the other, each on the disk before the next begins. */
  write(steps: readonly (readonly Extent[])[]): Promise<void>;
};

/** Nobody else may read what carries a device's secrets. */
const PRIVATE_MODE = 0o600;

/**
 * Lends an image or a drive as one that is not packed: itself, or an unpacked copy that only we may read, in which
 * zeros are holes, and which is gone afterwards, however `use` ends. Throws what openDiskImage throws, and `disk-full`.
 */
export async function withRawImage<Result>(
  path: string,
  host: Host,
  use: (image: RawImage) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  const image = await openDiskImage(path, host, options);
  try {
    return await (isRaw(image) ? use({ ...image, path: await realpath(path) }) : withUnpacked(image, host, use));
  } finally {
    await image.close();
  }
}

/** A packed image's copy, in the store's scratch. */
export async function withUnpacked<Result>(
  image: DiskImage,
  host: Host,
  use: (image: RawImage) => Promise<Result>,
): Promise<Result> {
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  return store.withScratch(async (folder) => {
    const copy = join(folder, 'image.img');
    await unpackTo(copy, image.stream());
    const raw = rawImage(await openPath(copy, 'read'), { name: image.name }, host);
    try {
      return await use(raw);
    } finally {
      await raw.close();
    }
  });
}

/**
 * Opens an image file to change it in place. Throws UserError `image-not-found`, `image-not-readable`,
 * `image-not-writable`, `not-an-image`, `image-compressed`.
 */
export async function withWritableImage<Result>(
  path: string,
  host: Host,
  use: (image: WritableImage) => Promise<Result>,
): Promise<Result> {
  const opened = await openPath(path, 'write');
  try {
    // A drive is opened by who has claimed it.
    if (opened.isDrive) throw noOrdinaryFile(path, 'a drive');
    const image = writableImage(opened, host);
    const packed = compressionOf(await image.read(0, MAGIC_BYTES));
    if (packed !== 'none') throw imagePacked(path, packed);
    return await use(image);
  } finally {
    await opened.file.close();
  }
}

/** A file or a drive that is open for writing already; who opened it closes it. */
export function writableImage(opened: OpenedFile, host: Host): WritableImage {
  const { path, file } = opened;
  const image = rawImage(opened, { name: path }, host);
  return {
    ...image,
    async write(steps) {
      // Before the secrets come, not after.
      if (!image.isDrive) await file.chmod(PRIVATE_MODE);
      for (const step of steps) {
        for (const { offsetBytes, bytes } of step) {
          await writeFully(file, bytes, offsetBytes);
          image.traffic.writtenBytes += bytes.length;
        }
        await file.datasync();
      }
    },
  };
}

/** What O_DIRECT wants offsets, sizes and buffers to be multiples of, on every drive. */
const DIRECT_BYTES = 4096;
const DIRECT_BUFFER_BYTES = 64 * KiB;

/**
 * Reads from the medium itself and not from what the kernel remembers of it, where the file system allows that
 * (tmpfs does not).
 */
export async function withFreshRead<Result>(
  { path, sizeBytes, traffic }: Pick<RawImage, 'path' | 'sizeBytes' | 'traffic'>,
  use: (read: ReadAt) => Promise<Result>,
): Promise<Result> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => open(path, 'r'));
  const [buffer = Buffer.alloc(0)] = alignedBuffers(1, DIRECT_BUFFER_BYTES);
  try {
    return await use(async (offsetBytes, wantedBytes) => {
      const end = Math.min(offsetBytes + wantedBytes, sizeBytes);
      const result = Buffer.alloc(Math.max(0, end - offsetBytes));
      for (let position = offsetBytes; position < end;) {
        const start = position - (position % DIRECT_BYTES);
        const wanted = Math.min(buffer.length, Math.ceil((end - start) / DIRECT_BYTES) * DIRECT_BYTES);
        const { bytesRead } = await handle.read(buffer, 0, wanted, start);
        traffic.readBytes += bytesRead;
        if (start + bytesRead <= position) break;
        const part = buffer.subarray(position - start, Math.min(bytesRead, end - start));
        part.copy(result, position - offsetBytes);
        position += part.length;
      }
      return result;
    });
  } finally {
    await handle.close();
  }
}
