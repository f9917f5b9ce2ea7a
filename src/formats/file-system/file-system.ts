import type { ByteRange } from '../../model/byte-range.js';
import type { FileEntry } from './file-entry.js';
import type { ReadAt } from '../../model/read-at.js';

/** What a partition's file system says of itself. */
export type FileSystemFacts = {
  readonly kind: FileSystemKind;
  readonly label: string;
  /** ext4: a UUID; FAT: the volume's serial as blkid writes it, "1A2B-3C4D". */
  readonly uuid: string;
  /** Smaller than its partition where it has not grown into it. */
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** ext4 only; FAT has no fixed number. */
  readonly inodes?: { readonly total: number; readonly free: number };
  /** It was not unmounted: the newest changes may lie in ext4's journal, which is not read here. */
  readonly dirty: boolean;
  /** squashfs only: "zstd". */
  readonly compression?: string;
};

export type FileSystemKind = 'ext4' | 'ext3' | 'ext2' | 'fat32' | 'fat16' | 'fat12' | 'cpio' | 'squashfs' | 'iso9660';

/** Bytes that cannot be right; the message says which. A reader of a format throws it, FileSystemReader gives it a name. */
export class DamagedFileSystem extends Error {}

/** Bytes that may be right and are not understood here; the message names what they use: "compression", "btrfs". */
export class UnreadFileSystem extends Error {}

/** Bytes of a file (from `fileOffsetBytes` on) and where they are in the partition. */
export type DataPlace = ByteRange & { readonly fileOffsetBytes: number };

/** One name in a folder; `entry` reads what it stands for. */
export type Child = { readonly name: string; entry(): Promise<FileEntry> };

/**
 * The files of one partition, as a format reads them. All of it throws DamagedFileSystem and UnreadFileSystem. Paths in
 * entries are counted from the root of the file system.
 */
export type FileSystem = {
  readonly facts: FileSystemFacts;
  /** FAT: "CONFIG.TXT" and "config.txt" are one file. */
  readonly ignoresCase: boolean;
  root(): Promise<FileEntry>;
  /** "." and ".." are left out. */
  children(folder: FileEntry): Promise<readonly Child[]>;
  /** Holes are zeros. */
  content(file: FileEntry): AsyncIterable<Uint8Array>;
  /** Where a file's bytes can be changed without any other change; throws UnreadFileSystem where that cannot be done. */
  places(file: FileEntry): Promise<readonly DataPlace[]>;
};

/** One file system: a new one is a file with such a value, and a line in file-systems.ts. */
export type FileSystemFormat = {
  /**
   * What the first SIGNATURE_BYTES of a partition (or all of a shorter one) say that it is; undefined when they are not
   * of this format.
   */
  claims(start: Uint8Array): string | undefined;
  /** Of a partition that it claims. Throws DamagedFileSystem, UnreadFileSystem. */
  open(read: ReadAt, sizeBytes: number): Promise<FileSystem>;
  /**
   * What of a partition has to be copied: all that the file system does not call free, and what is behind its end.
   * undefined where its own bookkeeping does not tell (a journal to be played back, counts that contradict).
   */
  usedRanges(read: ReadAt, sizeBytes: number): Promise<UsedRanges | undefined>;
};

/** What a file system uses of its partition. */
export type UsedRanges = {
  readonly ranges: readonly ByteRange[];
  /** Where the file system ends; its partition may go on. */
  readonly endBytes: number;
};

/** Bytes from a partition's start that tell file systems from each other: btrfs has its magic at 64 KiB. */
export const SIGNATURE_BYTES = 0x10040 + 8;
