import type { Partition, PartitionTable } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import { readGpt } from './gpt.js';
import type { Mbr, MbrPartition } from './mbr.js';
import { GPT_GUARD, MBR_SIZE_BYTES, hasPartitionEntries, parseMbr, readLogicalPartitions } from './mbr.js';
import { mbrSectorBytes } from './mbr-sectors.js';
import { typeNameOf } from './partition-types.js';

const DEFAULT_SECTOR_BYTES = 512;

/**
 * The partition table of a disk: an MBR with its logical partitions, or the GPT behind a protective MBR, whatever sizes
 * that one gives. Undefined where neither is. Reads some KiB at the beginning, the records of logical partitions, and a
 * GPT's end only when its beginning is damaged. Throws UserError `partition-table-invalid`.
 *
 * Says nothing of whether the disk is long enough: see partitionsEndBytes.
 *
 * @param sizeBytes of the disk; undefined while it is not known
 * @param sectorSizeBytes of the drive; undefined for image files: what fits
 */
export async function readPartitionTable(
  read: ReadAt,
  sizeBytes: number | undefined,
  sectorSizeBytes?: number,
): Promise<PartitionTable | undefined> {
  const sector = await read(0, MBR_SIZE_BYTES);
  const mbr = hasPartitionEntries(sector) ? parseMbr(sector, sectorSizeBytes ?? DEFAULT_SECTOR_BYTES) : undefined;
  if (mbr === undefined || mbr.partitions.length === 0) return undefined;
  if (mbr.partitions.some(({ type }) => type === GPT_GUARD)) return gptTable(read, sizeBytes, sectorSizeBytes, mbr);
  if (sectorSizeBytes !== undefined) return mbrTable(read, mbr, sectorSizeBytes);
  const found = await mbrSectorBytes(read, mbr.partitions, sizeBytes);
  return mbrTable(read, parseMbr(sector, found) ?? mbr, found);
}

async function mbrTable(read: ReadAt, mbr: Mbr, sectorSizeBytes: number): Promise<PartitionTable> {
  const logical = await readLogicalPartitions(read, mbr.partitions, sectorSizeBytes);
  const partitions = [...mbr.partitions, ...logical.partitions];
  return {
    scheme: 'mbr',
    diskId: mbr.diskId,
    sectorSizeBytes,
    partitions: partitions.map((partition) => named(partition, mbr.diskId)),
    ownRanges: [{ offsetBytes: 0, sizeBytes: MBR_SIZE_BYTES }, ...logical.ownRanges],
    warnings: logical.warnings,
  };
}

function named(partition: MbrPartition, diskId: string): Partition {
  const number = partition.number.toString(16).padStart(2, '0');
  return { ...partition, typeName: typeNameOf(partition.type), partUuid: `${diskId}-${number}` };
}

async function gptTable(
  read: ReadAt,
  sizeBytes: number | undefined,
  sectorSizeBytes: number | undefined,
  mbr: Mbr,
): Promise<PartitionTable> {
  const gpt = await readGpt(read, sizeBytes, sectorSizeBytes);
  const isHybrid = mbr.partitions.some(({ type }) => type !== GPT_GUARD);
  return {
    scheme: 'gpt',
    diskId: gpt.diskGuid,
    sectorSizeBytes: gpt.sectorSizeBytes,
    partitions: gpt.partitions.map(({ name, ...partition }) => ({
      ...partition,
      typeName: typeNameOf(partition.type),
      ...(name === '' ? {} : { name }),
    })),
    ownRanges: gpt.ownRanges,
    warnings: [
      ...(gpt.isFromBackup
        ? [
            'The primary GPT is damaged: this is what the backup at the end of the disk says. `sgdisk --load-backup` or `gdisk` writes it back.',
          ]
        : []),
      ...(isHybrid
        ? ['Its protective MBR names partitions too (a hybrid MBR): this is what its GPT says, as Linux reads it.']
        : []),
    ],
  };
}
