import { createHash } from 'node:crypto';
import { UserError } from '../../errors.js';
import type { ReadAt } from '../../model/read-at.js';

/** Bytes that belong at a place of an image. */
export type Extent = { readonly offsetBytes: number; readonly bytes: Uint8Array };

/**
 * What one device's identity changes in an image: whole sectors, in ascending order, none twice. The base image with
 * these written over it is that device's image.
 */
export type ImageDelta = { readonly imageSizeBytes: number; readonly extents: readonly Extent[] };

export const SECTOR_BYTES = 512;

/** "RSOVRLY" and the format's version. */
const MAGIC = Buffer.from('RSOVRLY\u0001', 'latin1');
const DIGEST_BYTES = 32;
/** Magic, image size (u64), sha256 of the base image, number of extents (u32). All numbers are little-endian. */
const HEADER_BYTES = MAGIC.length + 8 + DIGEST_BYTES + 4;
/** Offset (u64) and size (u32) before each extent's bytes. */
const EXTENT_HEADER_BYTES = 12;

export type DeltaFile = {
  readonly overlay: ImageDelta;
  /** sha256 (hex) of the whole base image. */
  readonly baseSha256: string;
};

/** As a small file: what it is for, the extents, and a sha256 over all of it at the end. */
export function encodeDelta({ overlay, baseSha256 }: DeltaFile): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeBigUInt64LE(BigInt(overlay.imageSizeBytes), MAGIC.length);
  header.write(baseSha256, MAGIC.length + 8, 'hex');
  header.writeUInt32LE(overlay.extents.length, HEADER_BYTES - 4);
  const parts = overlay.extents.flatMap(({ offsetBytes, bytes }) => {
    const place = Buffer.alloc(EXTENT_HEADER_BYTES);
    place.writeBigUInt64LE(BigInt(offsetBytes));
    place.writeUInt32LE(bytes.length, 8);
    return [place, bytes];
  });
  const content = Buffer.concat([header, ...parts]);
  return Buffer.concat([content, createHash('sha256').update(content).digest()]);
}

/** Throws UserError `overlay-invalid` for anything that encodeDelta did not write, or that was changed or cut since. */
export function decodeDelta(file: Uint8Array): DeltaFile {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('it does not begin like one');
  if (bytes.length < HEADER_BYTES + DIGEST_BYTES) throw invalid('it is cut off');
  const content = bytes.subarray(0, bytes.length - DIGEST_BYTES);
  if (!createHash('sha256').update(content).digest().equals(bytes.subarray(content.length))) {
    throw invalid('its checksum is wrong: it was changed or cut off');
  }
  const extents: Extent[] = [];
  let position = HEADER_BYTES;
  for (let left = content.readUInt32LE(HEADER_BYTES - 4); left > 0; left -= 1) {
    if (position + EXTENT_HEADER_BYTES > content.length) throw invalid('it holds fewer extents than it says');
    const sizeBytes = content.readUInt32LE(position + 8);
    const start = position + EXTENT_HEADER_BYTES;
    extents.push({
      offsetBytes: Number(content.readBigUInt64LE(position)),
      bytes: content.subarray(start, start + sizeBytes),
    });
    position = start + sizeBytes;
  }
  if (position !== content.length) throw invalid('its extents do not fill it');
  const overlay = { imageSizeBytes: Number(content.readBigUInt64LE(MAGIC.length)), extents };
  if (!isWellFormed(overlay)) throw invalid('its extents are no whole sectors in ascending order');
  return { overlay, baseSha256: content.toString('hex', MAGIC.length + 8, MAGIC.length + 8 + DIGEST_BYTES) };
}

function isWellFormed({ imageSizeBytes, extents }: ImageDelta): boolean {
  let end = 0;
  return extents.every(({ offsetBytes, bytes }) => {
    const isNext = offsetBytes >= end && offsetBytes % SECTOR_BYTES === 0;
    end = offsetBytes + bytes.length;
    return isNext && bytes.length > 0 && bytes.length % SECTOR_BYTES === 0 && end <= imageSizeBytes;
  });
}

function invalid(reason: string): UserError {
  return new UserError('overlay-invalid', `This is no overlay of reswarm-os: ${reason}`, {
    hints: ['`reswarm-os fleet images` makes them.'],
  });
}

export function deltaBytes({ extents }: ImageDelta): number {
  return extents.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** The image as it is with the overlay written over it. */
export function readThrough(read: ReadAt, { extents }: ImageDelta): ReadAt {
  return async (offsetBytes, sizeBytes) => {
    const bytes = Uint8Array.from(await read(offsetBytes, sizeBytes));
    for (const extent of extents) {
      const from = Math.max(extent.offsetBytes, offsetBytes);
      const to = Math.min(extent.offsetBytes + extent.bytes.length, offsetBytes + bytes.length);
      if (from < to) {
        bytes.set(extent.bytes.subarray(from - extent.offsetBytes, to - extent.offsetBytes), from - offsetBytes);
      }
    }
    return bytes;
  };
}
