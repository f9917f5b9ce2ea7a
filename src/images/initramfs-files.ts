import { ReswarmError } from '../errors.js';
import { compressionOf, MAGIC_BYTES } from '../formats/compression.js';
import type { Compression } from '../formats/compression.js';
import { isCpio, isOldCpio, readCpio } from '../formats/cpio/archive.js';
import { compressedLength, refuseForeignPacking } from '../formats/cpio/compressed-length.js';
import type { CpioArchive } from '../formats/cpio/file-system.js';
import { cpioFileSystem } from '../formats/cpio/file-system.js';
import { DamagedFileSystem } from '../formats/file-system/file-system.js';
import { FileSystemReader, cachedReader, named } from '../formats/file-system/file-system-reader.js';
import type { Host } from '../host/host.js';
import { SQUASHFS_IN_INITRAMFS } from '../model/initramfs.js';
import type { ReadAt } from '../model/read-at.js';
import type { ScratchFiles } from './scratch-files.js';
import { openSquashfs } from './squashfs-files.js';
import { unpackTo, unpackedBytes } from './unpack-image.js';

/** An initramfs as the kernel unpacks it. */
export type OpenedInitramfs = {
  /** Of its parts, in their order, each once. */
  readonly compressions: readonly Compression[];
  /** All archives, unpacked. */
  readonly unpackedBytes: number;
  readonly reader: FileSystemReader;
  /** The root that its /init mounts, where it holds one; `error` where that cannot be read. */
  readonly squashfs?: { readonly reader?: FileSystemReader; readonly error?: ReswarmError };
};

type Parts = { archives: CpioArchive[]; compressions: Set<Compression>; unpackedBytes: number };

/**
 * Opens what a boot loader hands to the kernel: archives, compressed or not, one after the other with zeros between
 * them. Throws ReswarmError `file-system-corrupt`, `file-system-not-read`, IntegrityError `image-corrupt`, UserError
 * `decompressor-missing`.
 *
 * @param name what to call it when something is wrong: "/boot/initramfs.zst in x.img"
 */
export async function openInitramfs(
  bytes: Buffer,
  name: string,
  scratch: ScratchFiles,
  host: Host,
): Promise<OpenedInitramfs> {
  try {
    const parts = await readParts(bytes, name, scratch, host);
    const reader = new FileSystemReader(await cpioFileSystem(parts.archives, parts.unpackedBytes), name);
    const squashfs = await squashfsIn(reader, name, scratch, host);
    return {
      compressions: [...parts.compressions],
      unpackedBytes: parts.unpackedBytes,
      reader,
      ...(squashfs === undefined ? {} : { squashfs }),
    };
  } catch (error) {
    throw named(error, `The initramfs ${name}`);
  }
}

async function readParts(bytes: Buffer, name: string, scratch: ScratchFiles, host: Host): Promise<Parts> {
  const parts: Parts = { archives: [], compressions: new Set(), unpackedBytes: 0 };
  const readHere: ReadAt = (offset, size) => Promise.resolve(bytes.subarray(offset, offset + size));
  for (let at = 0; at < bytes.length;) {
    host.signal.throwIfAborted();
    const start = bytes.subarray(at);
    if (start[0] === 0) at += 1;
    else if (at % 4 === 0 && (isCpio(start) || isOldCpio(start)))
      at = await addArchive(parts, readHere, at, bytes.length);
    else {
      const compression = compressionOf(start.subarray(0, MAGIC_BYTES));
      if (compression === 'none') throw unknownPart(start, at);
      const length = compressedLength(compression, start);
      const path = await scratch.newPath();
      const packed = pieceOf(start.subarray(0, length));
      await unpackTo(path, unpackedBytes({ path: name, compression, packed }, await scratch.tools(), host));
      await addUnpacked(parts, await scratch.reader(path));
      parts.compressions.add(compression);
      at += length;
    }
  }
  if (parts.archives.length === 0) throw new DamagedFileSystem('it holds no archive');
  return parts;
}

async function addArchive(parts: Parts, read: ReadAt, at: number, sizeBytes: number): Promise<number> {
  const { entries, endBytes } = await readCpio(read, at, sizeBytes);
  parts.archives.push({ read, entries });
  parts.unpackedBytes += endBytes - at;
  if (parts.compressions.size === 0) parts.compressions.add('none');
  return endBytes;
}

/** Archives are filled up with zeros, mostly to 512 bytes. */
const ZEROS_BYTES = 4096;

/** In a compressed part there are archives and zeros, and nothing else. */
async function addUnpacked(
  parts: Parts,
  { read, sizeBytes }: { readonly read: ReadAt; readonly sizeBytes: number },
): Promise<void> {
  const cached = cachedReader(read, sizeBytes);
  for (let at = 0; at < sizeBytes;) {
    const piece = await cached(at, Math.min(ZEROS_BYTES, sizeBytes - at));
    const first = piece.findIndex((byte) => byte !== 0);
    if (first !== 0) {
      at += first < 0 ? piece.length : first;
      continue;
    }
    const { entries, endBytes } = await readCpio(cached, at, sizeBytes);
    parts.archives.push({ read: cached, entries });
    parts.unpackedBytes += endBytes - at;
    at = endBytes;
  }
}

function unknownPart(start: Buffer, at: number): Error {
  refuseForeignPacking(start);
  if (isCpio(start)) {
    return new DamagedFileSystem(`an archive begins at byte ${at}: the kernel reads them at multiples of four only`);
  }
  return new DamagedFileSystem(
    at === 0 ? 'it begins as no archive that the kernel reads' : `behind an archive there is something else at ${at}`,
  );
}

async function* pieceOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function squashfsIn(
  reader: FileSystemReader,
  name: string,
  scratch: ScratchFiles,
  host: Host,
): Promise<OpenedInitramfs['squashfs']> {
  const bytes = await reader.readFile(`/${SQUASHFS_IN_INITRAMFS}`);
  if (bytes === undefined) return undefined;
  const read: ReadAt = (offset, size) => Promise.resolve(bytes.subarray(offset, offset + size));
  try {
    const inner = `/${SQUASHFS_IN_INITRAMFS} in ${name}`;
    return { reader: await openSquashfs(read, bytes.length, inner, scratch, host) };
  } catch (error) {
    if (error instanceof ReswarmError) return { error };
    throw error;
  }
}
