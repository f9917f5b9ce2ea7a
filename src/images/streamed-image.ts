import { IntegrityError, UserError } from '../errors.js';
import type { Compression } from '../formats/compression.js';
import { compressionOf, foreignPacking } from '../formats/compression.js';
import { isBootSector, MBR_SIZE_BYTES } from '../formats/mbr.js';
import type { Host } from '../host/host.js';
import { MiB } from '../model/bytes.js';
import type { ReadAt } from '../model/read-at.js';
import { isWebPage } from '../model/web-page.js';
import { findTools } from '../tools/find-tools.js';
import type { DiskImage } from './disk-image.js';
import { noPartitionTable, unknownPacking } from './image-errors.js';
import type { ImageSource } from './image-source.js';
import { StreamBeginning } from './stream-beginning.js';
import { unpackedBytes } from './unpack-image.js';

/** An image that comes from a server or through a pipe: it is read forwards, and lies nowhere. */
export type StreamedImage = DiskImage & {
  /** Its first part, as far as anybody may look at it before it is written; fewer bytes behind that. */
  readonly beginning: ReadAt;
};

/** Behind this nobody looks before an image is written: it is kept in memory. */
const MOST_BEGINNING_BYTES = 64 * MiB;

export function isStreamed(image: DiskImage): image is StreamedImage {
  return 'beginning' in image;
}

/**
 * Begins to read an image that comes as a stream. A server is asked again for each reading, and must give the same
 * bytes; a pipe can be read once. Throws what RemoteFile and standardInput throw, UserError `not-an-image`,
 * `image-is-a-web-page`, `image-compression-unknown`, `decompressor-missing`, IntegrityError `image-corrupt`.
 */
export async function openStreamedImage(source: ImageSource, host: Host): Promise<StreamedImage> {
  const { name, url } = source;
  const remote = url === undefined ? undefined : await host.remoteFile(url);
  const fileBytes = new StreamBeginning((remote?.stream() ?? host.standardInput())[Symbol.asyncIterator]());
  const compression = await packingOf(fileBytes, name);
  const tools = compression === 'none' ? undefined : await findTools(host);
  const unpacked = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
    compression === 'none' ? bytes : unpackedBytes({ path: name, compression, packed: bytes }, tools, host);
  const tap = new Tap();
  const content = new StreamBeginning(unpacked(tap.through(fileBytes.rest()))[Symbol.asyncIterator]());
  const beginning: ReadAt = (offsetBytes, sizeBytes) =>
    content.read(offsetBytes, Math.max(0, Math.min(sizeBytes, MOST_BEGINNING_BYTES - offsetBytes)));
  const close = async (): Promise<void> => {
    await content.close();
    await fileBytes.close();
  };
  try {
    const sector = await beginning(0, MBR_SIZE_BYTES);
    if (!isBootSector(sector)) throw noImage(sector, compression, name);
  } catch (error) {
    await close();
    throw error;
  }
  const sizeBytes = compression === 'none' ? remote?.sizeBytes : undefined;
  const shared = {
    name,
    path: name,
    isDrive: false,
    compression,
    fileSizeBytes: remote?.sizeBytes ?? 0,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    fileBytes: () => {
      throw new TypeError('what comes as a stream is read once, with its content');
    },
    beginning,
    close,
  };
  if (remote === undefined) {
    return {
      ...shared,
      isReadOnce: true,
      stream: (onFileBytes) =>
        content.rest(() => {
          tap.open(onFileBytes);
        }),
    };
  }
  return {
    ...shared,
    async *stream(onFileBytes) {
      // The connection of the first look has waited, perhaps for hours, for somebody to say yes.
      await close();
      const fresh = new Tap();
      fresh.open(onFileBytes);
      yield* content.confirm(unpacked(fresh.through(remote.stream())), () => changed(name));
    },
  };
}

async function packingOf(file: StreamBeginning, name: string): Promise<Compression> {
  try {
    const head = await file.read(0, MBR_SIZE_BYTES);
    if (head.length === 0) {
      throw new UserError('not-an-image', `There is nothing in ${name}: not one byte came`, {
        hints: ['Did the program before it end with an error?'],
      });
    }
    const compression = compressionOf(head);
    const foreign = compression === 'none' ? foreignPacking(head) : undefined;
    if (foreign !== undefined) throw unknownPacking(name, foreign);
    return compression;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function noImage(sector: Uint8Array, compression: Compression, name: string): UserError {
  if (compression === 'none' && isWebPage(Buffer.from(sector).toString('latin1'))) {
    return new UserError('image-is-a-web-page', `${name} is a page for people, and not an image`, {
      hints: ['Name the address of the file itself; the network may want a login first.'],
    });
  }
  return noPartitionTable(compression === 'none' ? name : `What is packed in ${name}`);
}

function changed(name: string): IntegrityError {
  return new IntegrityError('image-changed', `${name} was changed while it was read`, {
    hints: ['Start again; the card does not boot until it is whole.'],
  });
}

/** Lets somebody see bytes that go by, also those that went by before he came. */
class Tap {
  private early: Uint8Array[] | undefined = [];
  private onBytes: ((bytes: Uint8Array) => void) | undefined;

  async *through(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const piece of bytes) {
      if (this.early === undefined) this.onBytes?.(piece);
      else this.early.push(Uint8Array.from(piece));
      yield piece;
    }
  }

  open(onBytes: ((bytes: Uint8Array) => void) | undefined): void {
    this.onBytes = onBytes;
    for (const piece of this.early ?? []) onBytes?.(piece);
    this.early = undefined;
  }
}
