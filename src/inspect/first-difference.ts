import { open } from 'node:fs/promises';
import type { Host } from '../host/host.js';
import type { FileView } from '../images/file-view.js';
import { readDescription } from '../images/image-file.js';
import { withMountedImage } from '../images/mounted-image.js';
import { MiB } from '../model/bytes.js';

/** Where two images begin to differ. */
export type FirstDifference = {
  /** Bytes from here on differ, up to where they agree again; in the image. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** Undefined outside of all partitions: the partition table. */
  readonly partition?: { readonly name: string; readonly offsetBytes: number };
  /** The first file, by its path, that is not the same; undefined where all files are: metadata of a file system. */
  readonly file?: { readonly path: string; readonly offsetBytes: number } | undefined;
};

/** Undefined for equal images. Throws what withMountedImage throws. */
export async function firstDifference(one: string, other: string, host: Host): Promise<FirstDifference | undefined> {
  const range = await firstRange(one, other);
  if (range === undefined) return undefined;
  const partition = (await readDescription(one))?.partitions.find(
    ({ offsetBytes, sizeBytes }) => range.offsetBytes >= offsetBytes && range.offsetBytes < offsetBytes + sizeBytes,
  );
  const file = await withMountedImage(one, host, async (left) =>
    withMountedImage(other, host, async (right) => firstFile(left.files, right.files)),
  );
  return {
    ...range,
    ...(partition === undefined
      ? {}
      : { partition: { name: partition.name, offsetBytes: range.offsetBytes - partition.offsetBytes } }),
    file,
  };
}

async function firstRange(
  one: string,
  other: string,
): Promise<{ readonly offsetBytes: number; readonly sizeBytes: number } | undefined> {
  const [left, right] = [await open(one), await open(other)];
  try {
    const total = Math.max((await left.stat()).size, (await right.stat()).size);
    const [a, b] = [Buffer.alloc(MiB), Buffer.alloc(MiB)];
    let start: number | undefined;
    for (let at = 0; at < total; at += MiB) {
      const [inLeft, inRight] = [await left.read(a, 0, MiB, at), await right.read(b, 0, MiB, at)];
      const most = Math.max(inLeft.bytesRead, inRight.bytesRead);
      if (start === undefined && a.subarray(0, inLeft.bytesRead).equals(b.subarray(0, inRight.bytesRead))) continue;
      for (let index = 0; index < most; index += 1) {
        const isSame = index < inLeft.bytesRead && index < inRight.bytesRead && a[index] === b[index];
        if (!isSame) start ??= at + index;
        else if (start !== undefined) return { offsetBytes: start, sizeBytes: at + index - start };
      }
    }
    return start === undefined ? undefined : { offsetBytes: start, sizeBytes: total - start };
  } finally {
    await left.close();
    await right.close();
  }
}

async function firstFile(left: FileView, right: FileView): Promise<FirstDifference['file']> {
  const paths = [...new Set([...left.entries, ...right.entries].map(({ path }) => path))].toSorted();
  for (const path of paths) {
    const [a, b] = [left.find(path, false), right.find(path, false)];
    if (a === undefined || b === undefined || a.kind !== b.kind) return { path, offsetBytes: 0 };
    if (a.kind !== 'file') continue;
    const [bytes, others] = [await left.bytes(a), await right.bytes(b)];
    if (bytes.equals(others)) continue;
    const at = bytes.findIndex((byte, index) => byte !== others[index]);
    return { path, offsetBytes: at < 0 ? Math.min(bytes.length, others.length) : at };
  }
  return undefined;
}
