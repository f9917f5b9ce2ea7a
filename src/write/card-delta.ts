import type { Extent, ImageDelta } from '../formats/delta/image-delta.js';
import type { ByteRange } from '../model/byte-range.js';
import { endOf } from './write-plan.js';

/** The image's bytes as one card is to have them; the same array where the card has nothing of its own. */
export function withDelta(bytes: Uint8Array, offsetBytes: number, delta: ImageDelta | undefined): Uint8Array {
  const range = { offsetBytes, sizeBytes: bytes.length };
  const extents = (delta?.extents ?? []).filter((extent) => overlaps(extent, range));
  if (extents.length === 0) return bytes;
  const own = Uint8Array.from(bytes);
  for (const extent of extents) {
    const from = Math.max(extent.offsetBytes, offsetBytes);
    const until = Math.min(extent.offsetBytes + extent.bytes.length, endOf(range));
    own.set(extent.bytes.subarray(from - extent.offsetBytes, until - extent.offsetBytes), from - offsetBytes);
  }
  return own;
}

/** The parts of a card's own bytes that are in none of these ranges, in order. */
export function deltaOutside(delta: ImageDelta | undefined, ranges: readonly ByteRange[]): readonly Extent[] {
  const ascending = ranges.toSorted((a, b) => a.offsetBytes - b.offsetBytes);
  return (delta?.extents ?? []).flatMap(({ offsetBytes, bytes }) => {
    const parts: Extent[] = [];
    let from = offsetBytes;
    const end = offsetBytes + bytes.length;
    const add = (until: number): void => {
      if (until > from) {
        parts.push({ offsetBytes: from, bytes: bytes.subarray(from - offsetBytes, until - offsetBytes) });
      }
    };
    for (const range of ascending) {
      if (endOf(range) <= from || range.offsetBytes >= end) continue;
      add(range.offsetBytes);
      from = Math.min(end, endOf(range));
    }
    add(end);
    return parts;
  });
}

function overlaps({ offsetBytes, bytes }: Extent, range: ByteRange): boolean {
  return offsetBytes < endOf(range) && offsetBytes + bytes.length > range.offsetBytes;
}
