/** Gives `sizeBytes` bytes of a file, an image or a drive from `offsetBytes` on; fewer where it ends before that. */
export type ReadAt = (offsetBytes: number, sizeBytes: number) => Promise<Uint8Array>;

/** Fills memory from an offset on; says how many bytes it could, at least one where the end is not reached. */
export type ReadInto = (target: Uint8Array, offsetBytes: number) => Promise<number>;

/** Reads until all that was asked for is there, or the end. */
export function readAtOf(readInto: ReadInto): ReadAt {
  return async (offsetBytes, sizeBytes) => {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const count = await readInto(bytes.subarray(filled), offsetBytes + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  };
}

/** The same reader for what must be there: throws RangeError where it gives fewer bytes. */
export function readExactly(read: ReadAt): ReadAt {
  return async (offsetBytes, sizeBytes) => {
    const bytes = await read(offsetBytes, sizeBytes);
    if (bytes.length < sizeBytes) throw new RangeError(`it ends before byte ${offsetBytes + sizeBytes}`);
    return bytes;
  };
}
