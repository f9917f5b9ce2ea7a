import { isCpio, isOldCpio } from '../formats/cpio/archive.js';
import { isIso9660, isUdf } from '../formats/iso9660/descriptors.js';
import { isBootSector } from '../formats/mbr.js';
import { isSquashfs } from '../formats/squashfs/superblock.js';

/** What a file is that can be looked into: a disk with partitions, a disc, the archive that a kernel starts from. */
export type ContentKind = 'disk' | 'iso' | 'initramfs' | 'squashfs';

/**
 * By the first SIGNATURE_BYTES of what is in it, unpacked. A disc that can be written to a stick has a partition table
 * too, and is a disc. undefined: nothing that is known here.
 */
export function contentKindOf(start: Uint8Array): ContentKind | undefined {
  if (isIso9660(start) || isUdf(start)) return 'iso';
  if (isSquashfs(start)) return 'squashfs';
  if (isCpio(start) || isOldCpio(start)) return 'initramfs';
  return isBootSector(start) ? 'disk' : undefined;
}
