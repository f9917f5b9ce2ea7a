import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import type { Extent, ReadBytes } from '../formats/image-delta.js';
import { UserError } from '../errors.js';
import { writeFully } from './sparse-write.js';

/** An image file or a card whose bytes are read and changed in place. */
export type ImageTarget = {
  readonly path: string;
  readonly isDevice: boolean;
  readonly sizeBytes: number;
  readonly read: ReadBytes;
  /** Bytes that went in and out so far, those of withFreshRead included. */
  readonly traffic: { readBytes: number; writtenBytes: number };
  /** Writes the steps one after the other, each on the disk before the next begins. */
  write(steps: readonly (readonly Extent[])[]): Promise<void>;
};

/** Nobody else may read what carries a device's secrets. */
const PRIVATE_MODE = 0o600;

/**
 * Opens an ordinary image file. Throws UserError `image-not-found`, `image-not-readable`, `image-not-writable`,
 * `not-an-image`.
 */
export async function withImageFile<Result>(
  path: string,
  access: 'read' | 'write',
  use: (target: ImageTarget) => Promise<Result>,
): Promise<Result> {
  const handle = await openImage(path, access);
  try {
    const { size } = await handle.stat();
    return await use(targetOf(handle, { path, sizeBytes: size, isDevice: false }));
  } finally {
    await handle.close();
  }
}

export function targetOf(
  handle: FileHandle,
  { path, sizeBytes, isDevice }: Pick<ImageTarget, 'path' | 'sizeBytes' | 'isDevice'>,
): ImageTarget {
  const traffic = { readBytes: 0, writtenBytes: 0 };
  return {
    path,
    isDevice,
    sizeBytes,
    traffic,
    async read(offsetBytes, wantedBytes) {
      const buffer = Buffer.alloc(Math.max(0, Math.min(wantedBytes, sizeBytes - offsetBytes)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offsetBytes);
      traffic.readBytes += bytesRead;
      return buffer.subarray(0, bytesRead);
    },
    async write(steps) {
      // Before the secrets come, not after.
      if (!isDevice) await handle.chmod(PRIVATE_MODE);
      for (const step of steps) {
        for (const { offsetBytes, bytes } of step) {
          await writeFully(handle, bytes, offsetBytes);
          traffic.writtenBytes += bytes.length;
        }
        await handle.datasync();
      }
    },
  };
}

/** Part of Node, but not of its types. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };
};

/** What O_DIRECT wants offsets, sizes and buffers to be multiples of, on every drive. */
const DIRECT_BYTES = 4096;
const DIRECT_BUFFER_BYTES = 64 * 1024;

/**
 * Reads from the medium itself and not from what the kernel remembers of it, where the file system allows that
 * (tmpfs does not).
 */
export async function withFreshRead<Result>(
  { path, sizeBytes, traffic }: Pick<ImageTarget, 'path' | 'sizeBytes' | 'traffic'>,
  use: (read: ReadBytes) => Promise<Result>,
): Promise<Result> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => open(path, 'r'));
  // Pages of WebAssembly's memory are aligned; Node's own buffers are not.
  const buffer = Buffer.from(new WebAssembly.Memory({ initial: DIRECT_BUFFER_BYTES / 65_536 }).buffer);
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

async function openImage(path: string, access: 'read' | 'write'): Promise<FileHandle> {
  try {
    const status = await stat(path);
    if (!status.isFile()) {
      throw new UserError('not-an-image', `${path} is ${status.isDirectory() ? 'a folder' : 'no ordinary file'}`);
    }
    return await open(path, access === 'write' ? 'r+' : 'r');
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UserError('image-not-found', `There is no image at ${path}`, { cause });
    if (access === 'write' && (code === 'EACCES' || code === 'EROFS' || code === 'ETXTBSY')) {
      throw new UserError('image-not-writable', `${path} cannot be written to (${code})`, {
        hints: ['Look at its permissions, or make a copy of it.'],
        cause,
      });
    }
    throw new UserError('image-not-readable', `${path} cannot be read`, { cause });
  }
}
