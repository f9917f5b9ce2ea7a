import { rangesBetween } from '../images/used-ranges.js';
import type { ByteRange } from '../model/byte-range.js';
import { KiB, MiB } from '../model/bytes.js';

/**
 * Signatures of file systems, volumes and arrays are within so many bytes of a partition's beginning (the second header
 * of LUKS2 is the farthest, at 4 MiB) and of its end (ZFS has two labels of 256 KiB there).
 */
const SIGNATURES_AT_START_BYTES = 4 * MiB + 4 * KiB;
const SIGNATURES_AT_END_BYTES = MiB;

/**
 * What a card needs beside what the image's file systems use: all that is in no partition, zeros too, and the two ends
 * of each partition, so that no label of what was on the card before is found there.
 */
export function rangesAround(partitions: readonly ByteRange[], imageSizeBytes: number): readonly ByteRange[] {
  const ends = partitions.flatMap(({ offsetBytes, sizeBytes }) => {
    const start = Math.min(SIGNATURES_AT_START_BYTES, sizeBytes);
    const end = Math.min(SIGNATURES_AT_END_BYTES, sizeBytes);
    return [
      { offsetBytes, sizeBytes: start },
      { offsetBytes: offsetBytes + sizeBytes - end, sizeBytes: end },
    ];
  });
  const ranges = [...rangesBetween(partitions, imageSizeBytes), ...ends];
  return ranges
    .map(({ offsetBytes, sizeBytes }) => ({
      offsetBytes,
      sizeBytes: Math.min(sizeBytes, imageSizeBytes - offsetBytes),
    }))
    .filter(({ sizeBytes }) => sizeBytes > 0);
}
