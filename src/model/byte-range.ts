/** A stretch of a file, partition or disk. */
export type ByteRange = { readonly offsetBytes: number; readonly sizeBytes: number };

/** Sorted, without overlaps or neighbours: what touches is one range. Empty ranges are left out. */
export function mergeRanges(ranges: Iterable<ByteRange>): readonly ByteRange[] {
  const sorted = [...ranges].filter(({ sizeBytes }) => sizeBytes > 0).sort((a, b) => a.offsetBytes - b.offsetBytes);
  const merged: ByteRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last === undefined || range.offsetBytes > endOf(last)) {
      merged.push(range);
      continue;
    }
    const sizeBytes = Math.max(endOf(last), endOf(range)) - last.offsetBytes;
    merged[merged.length - 1] = { offsetBytes: last.offsetBytes, sizeBytes };
  }
  return merged;
}

/** Sum of the sizes; of merged ranges it is the number of bytes that they cover. */
export function totalBytes(ranges: Iterable<ByteRange>): number {
  let total = 0;
  for (const { sizeBytes } of ranges) total += sizeBytes;
  return total;
}

/** The same ranges, seen from where `offsetBytes` is 0. */
export function shiftRanges(ranges: readonly ByteRange[], offsetBytes: number): readonly ByteRange[] {
  return ranges.map((range) => ({ ...range, offsetBytes: range.offsetBytes + offsetBytes }));
}

export function endOf({ offsetBytes, sizeBytes }: ByteRange): number {
  return offsetBytes + sizeBytes;
}
