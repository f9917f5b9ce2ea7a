import { KiB, alignUp } from './bytes.js';

/** How much a file tree needs, whatever file system it goes to. */
export type TreeContent = {
  /** Sum of the files' sizes, each rounded up to whole 4 KiB blocks; a folder counts as one block at least. */
  readonly bytes: number;
  /** Everything that needs an inode: files, folders, symbolic links, devices. Further hard links do not. */
  readonly files: number;
};

export type TreeEntry = { readonly type: 'file' | 'folder' | 'link' | 'other'; readonly sizeBytes: number };

const BLOCK_BYTES = 4 * KiB;
/** Shorter targets of symbolic links lie in the inode. */
const INLINE_LINK_BYTES = 60;

/** Adds up the entries of a tree. Leave out all but the first of several hard links to one file. */
export function measureTree(entries: Iterable<TreeEntry>): TreeContent {
  let bytes = 0;
  let files = 0;
  for (const entry of entries) {
    bytes += roomOf(entry);
    files += 1;
  }
  return { bytes, files };
}

function roomOf({ type, sizeBytes }: TreeEntry): number {
  switch (type) {
    case 'file':
      return alignUp(sizeBytes, BLOCK_BYTES);
    case 'folder':
      return Math.max(BLOCK_BYTES, alignUp(sizeBytes, BLOCK_BYTES));
    case 'link':
      return sizeBytes < INLINE_LINK_BYTES ? 0 : BLOCK_BYTES;
    case 'other':
      return 0;
  }
}
