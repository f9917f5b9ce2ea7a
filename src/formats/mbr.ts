import type { ByteRange } from '../model/byte-range.js';
import { endOf } from '../model/byte-range.js';
import type { ReadAt } from '../model/read-at.js';
import { UserError } from '../errors.js';
import { isExtended } from './partition-types.js';

/** One used entry of the four in a master boot record. */
export type MbrPartition = ByteRange & {
  /** 1 to 4, as Linux counts them: mmcblk0p1. Logical partitions begin at 5. */
  readonly number: number;
  /** Type byte: 0x0c is FAT32 (LBA), 0x83 Linux, 0xee a GPT's guard. */
  readonly type: number;
  readonly bootable: boolean;
};

export type Mbr = {
  /** Eight hex digits; PARTUUID is `<diskId>-<two-digit partition number>`. */
  readonly diskId: string;
  readonly partitions: readonly MbrPartition[];
};

export const MBR_SIZE_BYTES = 512;
const DISK_ID_OFFSET = 440;
const ENTRIES_OFFSET = 446;
const ENTRY_SIZE = 16;
const ENTRY_COUNT = 4;
const FIRST_LOGICAL = 5;
const ACTIVE = 0x80;
/** Linux knows no more of a disk (DISK_MAX_PARTS). */
const MOST_PARTITIONS = 256;

/** Sectors are counted in 32 bits in an MBR. */
export const MBR_MAX_BYTES = 2 ** 32 * 512;
/** A GPT's protective MBR has one entry of this type. */
export const GPT_GUARD = 0xee;

/**
 * Reads the four primary entries from a disk's first 512 bytes; undefined when they end without the signature 55 AA or
 * are too few. A FAT boot sector has the same signature: its "entries" point nowhere, so look at the partitions too.
 *
 * @param sectorSizeBytes what the entries count in
 */
export function parseMbr(sector: Uint8Array, sectorSizeBytes = 512): Mbr | undefined {
  const entries = parseEntries(sector, sectorSizeBytes);
  if (entries === undefined) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, MBR_SIZE_BYTES);
  const partitions = entries.flatMap((entry, index) => (entry.type === 0 ? [] : [{ number: index + 1, ...entry }]));
  return { diskId: view.getUint32(DISK_ID_OFFSET, true).toString(16).padStart(8, '0'), partitions };
}

/** Whether a sector ends with the signature 55 AA: an MBR, or the boot sector of a FAT. */
export function isBootSector(sector: Uint8Array): boolean {
  return sector.length >= MBR_SIZE_BYTES && sector[510] === 0x55 && sector[511] === 0xaa;
}

/** Linux takes a sector for a table only when each entry is marked as active or not: a FAT's code is neither. */
export function hasPartitionEntries(sector: Uint8Array): boolean {
  const marks = Array.from({ length: ENTRY_COUNT }, (_, index) => sector[ENTRIES_OFFSET + index * ENTRY_SIZE]);
  return isBootSector(sector) && marks.every((mark) => mark === 0 || mark === ACTIVE);
}

type Entry = Omit<MbrPartition, 'number'>;

/** The four entries, empty ones included, with offsets as they are written. */
function parseEntries(sector: Uint8Array, sectorSizeBytes: number): readonly Entry[] | undefined {
  if (!isBootSector(sector)) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, MBR_SIZE_BYTES);
  return Array.from({ length: ENTRY_COUNT }, (_, index) => {
    const at = ENTRIES_OFFSET + index * ENTRY_SIZE;
    return {
      type: view.getUint8(at + 4),
      bootable: view.getUint8(at) === ACTIVE,
      offsetBytes: view.getUint32(at + 8, true) * sectorSizeBytes,
      sizeBytes: view.getUint32(at + 12, true) * sectorSizeBytes,
    };
  });
}

/** The logical partitions of an MBR, and the sectors that say where they are. */
export type LogicalPartitions = {
  readonly partitions: readonly MbrPartition[];
  readonly ownRanges: readonly ByteRange[];
  readonly warnings: readonly string[];
};

/**
 * Follows the chain of extended boot records, as Linux does (block/partitions/msdos.c): each holds one logical
 * partition, counted from itself, and the next record, counted from the beginning of the extended partition. Where the
 * disk ends before the chain does, what was found until there. Throws UserError `partition-table-invalid` for a chain
 * that goes round in circles, leaves its extended partition, or leads to something that is no record.
 */
export async function readLogicalPartitions(
  read: ReadAt,
  primaries: readonly MbrPartition[],
  sectorSizeBytes: number,
): Promise<LogicalPartitions> {
  const partitions: MbrPartition[] = [];
  const ownRanges: ByteRange[] = [];
  const warnings: string[] = [];
  for (const extended of primaries.filter(isExtended)) {
    const seen = new Set<number>();
    for (let place: number | undefined = extended.offsetBytes; place !== undefined;) {
      if (seen.has(place) || partitions.length >= MOST_PARTITIONS) throw invalid(extended, 'goes round in circles');
      if (!isInside({ offsetBytes: place, sizeBytes: sectorSizeBytes }, extended)) {
        throw invalid(extended, `leads out of it, to byte ${place}`);
      }
      seen.add(place);
      const sector = await read(place, MBR_SIZE_BYTES);
      if (sector.length < MBR_SIZE_BYTES) break;
      const [data, link] = parseEntries(sector, sectorSizeBytes) ?? [];
      if (data === undefined || link === undefined) {
        if (place !== extended.offsetBytes) throw invalid(extended, `leads to byte ${place}, where no record is`);
        warnings.push(`The extended partition ${extended.number} holds no table of logical partitions.`);
        break;
      }
      ownRanges.push({ offsetBytes: place, sizeBytes: MBR_SIZE_BYTES });
      if (data.type !== 0 && data.sizeBytes > 0) {
        const logical = { ...data, offsetBytes: place + data.offsetBytes };
        if (isExtended(data) || data.offsetBytes === 0 || !isInside(logical, extended)) {
          throw invalid(extended, `has a logical partition at byte ${logical.offsetBytes} that does not fit into it`);
        }
        partitions.push({ ...logical, number: FIRST_LOGICAL + partitions.length });
      }
      place = isExtended(link) && link.sizeBytes > 0 ? extended.offsetBytes + link.offsetBytes : undefined;
    }
  }
  return { partitions, ownRanges, warnings };
}

function isInside(inner: ByteRange, outer: ByteRange): boolean {
  return inner.offsetBytes >= outer.offsetBytes && endOf(inner) <= endOf(outer);
}

function invalid({ number }: MbrPartition, what: string): UserError {
  return new UserError(
    'partition-table-invalid',
    `The partition table is damaged: the chain of logical partitions in partition ${number} ${what}`,
    { hints: ['`sfdisk --verify` says more; `sfdisk --dump` of a good copy can be written back.'] },
  );
}
