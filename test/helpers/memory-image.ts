import { randomBytes } from 'node:crypto';
import { MiB } from '../../src/model/bytes.js';
import { parseMbr } from '../../src/formats/mbr.js';
import type { DiskImage } from '../../src/images/disk-image.js';
import { planWrite, type WritePlan } from '../../src/write/write-plan.js';

/** An image in memory: a partition table, a FAT partition at 1 MiB, and random bytes everywhere else. */
export function memoryImage(sizeBytes: number): { bytes: Buffer; source: DiskImage; plan: WritePlan } {
  const bytes = randomBytes(sizeBytes);
  bytes.fill(0, 0, 512);
  bytes.writeUInt8(0x0c, 450);
  bytes.writeUInt32LE(MiB / 512, 454);
  bytes.writeUInt32LE((sizeBytes - MiB) / 512, 458);
  bytes.writeUInt16LE(0xaa55, 510);
  const { partitions = [] } = parseMbr(bytes) ?? {};
  const plan = planWrite({ sizeBytes, mapped: [{ offsetBytes: 0, sizeBytes }], partitions });
  return { bytes, source: sourceOf(bytes), plan };
}

export function sourceOf(bytes: Buffer): DiskImage {
  const stream = (onFileBytes?: (bytes: Uint8Array) => void): AsyncIterable<Uint8Array> => chunks(bytes, onFileBytes);
  return {
    name: 'memory.img',
    path: 'memory.img',
    isDrive: false,
    compression: 'none',
    sizeBytes: bytes.length,
    fileSizeBytes: bytes.length,
    stream,
    fileBytes: stream,
    readInto: (target, offsetBytes) => {
      const part = bytes.subarray(offsetBytes, offsetBytes + target.length);
      target.set(part);
      return Promise.resolve(part.length);
    },
    close: () => Promise.resolve(),
  };
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* chunks(bytes: Buffer, onFileBytes?: (bytes: Uint8Array) => void): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MiB) {
    const chunk = bytes.subarray(at, at + MiB);
    onFileBytes?.(chunk);
    yield chunk;
  }
}
