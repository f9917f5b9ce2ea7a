import { withDiskId } from '../formats/command-line.js';
import { openExt4 } from '../formats/ext4/ext4-reader.js';
import { MBR_SIZE_BYTES } from '../formats/mbr.js';
import type { PartitionTable } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import type { Extent } from '../formats/image-delta.js';

const DISK_ID_OFFSET = 440;
const LINUX = 0x83;

/**
 * What has to change outside of the boot partition when a disk gets another id: the id itself, and /etc/fstab, which
 * names partitions by it. The two ids are of the same length, so fstab's bytes change where they lie and nothing else
 * of the ext4 does; data has no checksums there.
 */
export async function diskIdExtents(read: ReadAt, mbr: PartitionTable, diskId: string): Promise<readonly Extent[]> {
  if (mbr.diskId === diskId) return [];
  const table = Buffer.from(await read(0, MBR_SIZE_BYTES));
  table.writeUInt32LE(Number.parseInt(diskId, 16), DISK_ID_OFFSET);
  const extents: Extent[] = [];
  for (const { offsetBytes } of mbr.partitions.filter(({ type }) => type === LINUX)) {
    const places = await (await openExt4(read, offsetBytes))?.places('/etc/fstab');
    for (const place of places ?? []) {
      const before = Buffer.from(await read(place.offsetBytes, place.sizeBytes)).toString('latin1');
      const after = withDiskId(before, mbr.diskId, diskId);
      if (after !== before) extents.push({ offsetBytes: place.offsetBytes, bytes: Buffer.from(after, 'latin1') });
    }
  }
  return [...extents, { offsetBytes: 0, bytes: table }];
}
