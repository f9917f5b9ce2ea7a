import type { Problem } from '../../errors.js';
import { alignUp } from '../../model/bytes.js';
import type { TableType } from '../../model/image-spec.js';
import { FAT32_MIN_BYTES } from '../../formats/fat/geometry.js';
import type { Said } from '../said.js';
import { sizeBytes } from '../size-schema.js';
import type { DraftPartition } from './draft-partitions.js';

/** What a drive will be like, as the rules of partitions see it. */
export type DraftDisk = {
  readonly table: Said<TableType>;
  readonly alignment: Said<string>;
  readonly partitions: readonly DraftPartition[];
  /** Files of boot firmware on the drive; empty where it is elsewhere. */
  readonly firmwareFiles: readonly string[];
  /** What the root is: without a partition of its own no partition has the role root. */
  readonly rootIs: 'partition' | 'archive' | 'layers';
};

export type DiskRule = (disk: DraftDisk) => readonly Problem[];

export function alignmentBytes({ alignment }: DraftDisk): number {
  return sizeBytes(alignment.value);
}

/** Starts and sizes that are written as a number. */
export function fixedSizes({
  partitions,
}: DraftDisk): { text: string; bytes: number; at: DraftPartition['at']; key: string }[] {
  return partitions.flatMap(({ said, at }) =>
    (['start', 'size'] as const).flatMap((key) => {
      const text = said[key];
      return text === undefined || text === 'auto' ? [] : [{ text, bytes: sizeBytes(text), at, key }];
    }),
  );
}

/** The least that a partition can have, whatever will be in it. */
export function leastBytes({ fs, sizeBytes: size }: DraftPartition, alignedBytes: number): number {
  if (size !== 'auto') return size;
  return fs === 'vfat' ? alignUp(FAT32_MIN_BYTES, alignedBytes) : alignedBytes;
}
