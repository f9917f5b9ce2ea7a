import type { FileSystemFormat } from '../file-system/file-system.js';
import { isIso9660 } from './descriptors.js';
import { openIso9660 } from './reader.js';

/** Discs: ISO 9660 with Rock Ridge or Joliet. */
export const ISO9660: FileSystemFormat = {
  claims: (start) => (isIso9660(start) ? 'iso9660' : undefined),
  open: openIso9660,
  // Boot loaders of a disc lie outside of its files.
  usedRanges: () => Promise.resolve(undefined),
};
