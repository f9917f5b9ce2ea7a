import type { UsedRanges } from '../file-system/file-system.js';
import type { ByteRange } from '../../model/byte-range.js';
import { mergeRanges } from '../../model/byte-range.js';
import type { FatVolume } from './boot-sector.js';
import { clusterOffset, FIRST_CLUSTER } from './boot-sector.js';
import { FatTable } from './table.js';
import type { ReadAt } from '../../model/read-at.js';

/**
 * What a FAT uses of its partition: all before its clusters, every cluster that its table does not call free, and what
 * is behind the last one.
 */
export async function fatUsedRanges(read: ReadAt, volume: FatVolume, sizeBytes: number): Promise<UsedRanges> {
  const end = clusterOffset(volume, volume.clusters + FIRST_CLUSTER);
  const ranges: ByteRange[] = [
    { offsetBytes: 0, sizeBytes: volume.dataOffsetBytes },
    { offsetBytes: end, sizeBytes: sizeBytes - end },
  ];
  const table = new FatTable(read, volume);
  await table.scan((cluster, value) => {
    if (value !== 0) ranges.push({ offsetBytes: clusterOffset(volume, cluster), sizeBytes: volume.clusterBytes });
  });
  return { ranges: mergeRanges(ranges), endBytes: end };
}
