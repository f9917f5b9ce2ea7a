import { DamagedFileSystem, UnreadFileSystem } from '../file-system/file-system.js';
import { formatSize } from '../../model/bytes.js';

/** What the first 96 bytes of a squashfs say (linux/fs/squashfs/squashfs_fs.h). */
export type SquashfsSuperblock = {
  readonly inodes: number;
  readonly madeSeconds: number;
  readonly blockBytes: number;
  readonly compressor: string;
  /** What it takes of its partition or file. */
  readonly usedBytes: number;
};

export const SUPERBLOCK_BYTES = 96;
const MAGIC = Buffer.from('hsqs');
const COMPRESSORS = ['gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'];

export function isSquashfs(start: Uint8Array): boolean {
  return MAGIC.equals(start.subarray(0, MAGIC.length));
}

/**
 * Throws DamagedFileSystem, and UnreadFileSystem for a version or a compressor that is not known.
 *
 * @param sizeBytes of what it lies in
 */
export function readSuperblock(start: Uint8Array, sizeBytes: number): SquashfsSuperblock {
  if (start.length < SUPERBLOCK_BYTES) throw new DamagedFileSystem('it ends inside of its superblock');
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const [major, minor] = [bytes.readUInt16LE(28), bytes.readUInt16LE(30)];
  if (major !== 4 || minor !== 0) throw new UnreadFileSystem(`version ${major}.${minor} of squashfs`);
  const id = bytes.readUInt16LE(20);
  const compressor = COMPRESSORS[id - 1];
  if (compressor === undefined) throw new UnreadFileSystem(`a compressor of the number ${id}`);
  const blockBytes = bytes.readUInt32LE(12);
  if (blockBytes !== 2 ** bytes.readUInt16LE(22)) {
    throw new DamagedFileSystem(`its block size is ${blockBytes} bytes in one place and another in the next`);
  }
  const usedBytes = Number(bytes.readBigUInt64LE(40));
  if (usedBytes > sizeBytes) {
    throw new DamagedFileSystem(`it takes ${formatSize(usedBytes)} (${usedBytes} bytes), and ${sizeBytes} are there`);
  }
  return { inodes: bytes.readUInt32LE(4), madeSeconds: bytes.readUInt32LE(8), blockBytes, compressor, usedBytes };
}
