import { compressionOf, MAGIC_BYTES } from '../formats/compression.js';
import type { Host } from '../host/host.js';
import { SIGNATURE_BYTES } from '../formats/file-system/file-system.js';
import type { ContentKind } from './content-kind.js';
import { contentKindOf } from './content-kind.js';
import type { OpenOptions, RawImage } from './disk-image.js';
import { openPath, rawImage } from './disk-image.js';
import { FileView } from './file-view.js';
import { withRawImage } from './raw-image.js';
import type { ScratchFiles } from './scratch-files.js';
import { withScratchFiles } from './scratch-files.js';
import { unpackedBytes } from './unpack-image.js';
import type { Content } from './mount-content.js';
import { MOUNT } from './mount-content.js';

/** An image that is being looked at, as the device that runs it has it: nothing is mounted, nothing is written. */
export type MountedImage = Omit<Content, 'mounts' | 'unread'> & {
  readonly image: RawImage;
  readonly kind: ContentKind;
  readonly files: FileView;
};

/**
 * Lends an image file, packed or not, or a block device, as partitions and files: a disk, a disc, an initramfs or a
 * squashfs. Needs no root beyond the right to read it. Throws what withRawImage, `partitions`, openDisc, openInitramfs
 * and openSquashfs throw.
 */
export async function withMountedImage<Result>(
  path: string,
  host: Host,
  use: (image: MountedImage) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  return withScratchFiles(host, options.tools, async (scratch) => {
    const isPacked = await isPackedInitramfs(path, scratch, host);
    return (isPacked ? withFileItself : withRawImage)(
      path,
      host,
      async (image) => {
        const kind = isPacked ? 'initramfs' : (contentKindOf(await image.read(0, SIGNATURE_BYTES)) ?? 'disk');
        const { mounts, unread, ...found } = await MOUNT[kind](image, scratch, host);
        const files = await FileView.read(
          path,
          mounts.toSorted((a, b) => a.mount.length - b.mount.length),
          unread,
        );
        return use({ image, kind, ...found, files });
      },
      { ...options, content: 'any' },
    );
  });
}

/**
 * Of a compressed initramfs the file itself is read: behind the first part there may be another one, which programs that
 * unpack pass over or refuse.
 */
async function isPackedInitramfs(path: string, scratch: ScratchFiles, host: Host): Promise<boolean> {
  const opened = await openPath(path, 'read');
  try {
    const image = rawImage(opened, { name: path }, host);
    const compression = opened.isDrive ? 'none' : compressionOf(await image.read(0, MAGIC_BYTES));
    if (compression === 'none') return false;
    const packed = image.fileBytes();
    for await (const start of unpackedBytes({ path, compression, packed }, await scratch.tools(), host)) {
      return contentKindOf(start) === 'initramfs';
    }
    return false;
  } finally {
    await opened.file.close();
  }
}

async function withFileItself<Result>(
  path: string,
  host: Host,
  use: (image: RawImage) => Promise<Result>,
): Promise<Result> {
  const image = rawImage(await openPath(path, 'read'), { name: path }, host);
  try {
    return await use(image);
  } finally {
    await image.close();
  }
}
