import type { UsedRanges } from '../file-system/file-system.js';
import { mergeRanges } from '../../model/byte-range.js';
import type { Group } from './groups.js';
import {
  GroupTable,
  descriptorStart,
  firstBlockOf,
  hasCopy,
  inodeTableBlocks,
  jointDescriptorBlocks,
  metaDescriptorBlock,
  metaGroups,
} from './groups.js';
import type { Superblock } from './superblock.js';
import type { ReadAt } from '../../model/read-at.js';

/** A run of blocks. */
type Run = { readonly first: number; readonly blocks: number };

/**
 * What an ext2, ext3 or ext4 uses of its partition: every block that a bitmap calls used, all metadata whatever the
 * bitmaps say, and what is behind its end. Inode tables count in full, also where nothing is in them yet: a kernel that
 * fills them later takes for granted that they are zeros.
 *
 * @returns undefined when bitmaps do not tell: a journal is to be played back, a feature changes what they mean, or a
 * bitmap and its descriptor count free blocks differently
 */
export async function extUsedRanges(
  read: ReadAt,
  superblock: Superblock,
  sizeBytes: number,
): Promise<UsedRanges | undefined> {
  if (superblock.needsRecovery || !superblock.hasPlainBitmaps) return undefined;
  const { blockBytes, groups } = superblock;
  const table = new GroupTable(read, superblock);
  const runs: Run[] = [...descriptorRuns(superblock)];
  // Descriptors first: an image that is decompressed on the way can only be read forwards.
  const described: Group[] = [];
  for (let index = 0; index < groups; index += 1) described.push(await table.group(index));
  for (const [index, group] of described.entries()) {
    runs.push(...groupMetadata(superblock, index, group));
    if (group.isBitmapUnset) continue;
    const bitmap = await read(group.blockBitmap * blockBytes, blockBytes);
    const used = usedRuns(superblock, index, bitmap);
    if (used.freeClusters !== group.freeClusters) return undefined;
    runs.push(...used.runs);
  }
  const end = superblock.blocks * blockBytes;
  const ranges = mergeRanges([
    ...runs.map(({ first, blocks }) => ({ offsetBytes: first * blockBytes, sizeBytes: blocks * blockBytes })),
    { offsetBytes: end, sizeBytes: sizeBytes - end },
  ]);
  return { ranges, endBytes: end };
}

function* descriptorRuns(superblock: Superblock): Iterable<Run> {
  const { groups, blockBytes, descriptorBytes, firstMetaBlock, reservedDescriptorBlocks } = superblock;
  const joint = jointDescriptorBlocks(superblock) + reservedDescriptorBlocks;
  yield { first: 0, blocks: descriptorStart(superblock) + joint };
  const all = Math.ceil((groups * descriptorBytes) / blockBytes);
  for (let index = firstMetaBlock ?? all; index < all; index += 1) {
    for (const group of metaGroups(superblock, index)) {
      yield { first: metaDescriptorBlock(superblock, group), blocks: 1 };
    }
  }
}

function* groupMetadata(superblock: Superblock, index: number, group: Group): Iterable<Run> {
  if (index > 0 && hasCopy(superblock, index)) {
    const joint = jointDescriptorBlocks(superblock) + superblock.reservedDescriptorBlocks;
    const first = firstBlockOf(superblock, index);
    yield { first, blocks: Math.min(1 + joint, blocksOf(superblock, index)) };
  }
  yield { first: group.blockBitmap, blocks: 1 };
  yield { first: group.inodeBitmap, blocks: 1 };
  yield { first: group.inodeTable, blocks: inodeTableBlocks(superblock) };
}

/** The last group may be shorter than the others. */
function blocksOf(superblock: Superblock, group: number): number {
  return Math.min(superblock.blocksPerGroup, superblock.blocks - firstBlockOf(superblock, group));
}

function usedRuns(
  superblock: Superblock,
  group: number,
  bitmap: Uint8Array,
): { readonly runs: readonly Run[]; readonly freeClusters: number } {
  const { blocksPerCluster } = superblock;
  const blocks = blocksOf(superblock, group);
  const clusters = Math.ceil(blocks / blocksPerCluster);
  const runs: Run[] = [];
  let freeClusters = clusters;
  for (const { from, until } of setBits(bitmap, clusters)) {
    freeClusters -= until - from;
    const first = firstBlockOf(superblock, group) + from * blocksPerCluster;
    runs.push({ first, blocks: Math.min((until - from) * blocksPerCluster, blocks - from * blocksPerCluster) });
  }
  return { runs, freeClusters };
}

/** Runs of ones among the first `count` bits. */
function* setBits(bitmap: Uint8Array, count: number): Generator<{ readonly from: number; readonly until: number }> {
  let from: number | undefined;
  for (let bit = 0; bit <= count; bit += 1) {
    const isSet = bit < count && ((bitmap[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
    if (isSet) from ??= bit;
    else if (from !== undefined) {
      yield { from, until: bit };
      from = undefined;
    }
  }
}
