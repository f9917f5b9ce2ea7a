import { ReswarmError, UserError } from '../errors.js';
import { withDiskId } from '../formats/command-line.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { openFileSystem } from '../formats/file-systems.js';
import { isFat } from '../formats/partition-types.js';
import type { Extent } from '../formats/delta/image-delta.js';
import { MBR_SIZE_BYTES } from '../formats/mbr.js';
import type { PartitionTable } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';
import { requireReader, rootOf, systemPartitions } from './root-partition.js';

const DISK_ID_OFFSET = 440;
const FSTAB = '/etc/fstab';

/**
 * What has to change outside of the boot partition when a disk gets another id: the id itself, and every /etc/fstab
 * that names partitions by it. The two ids are of the same length, so fstab's bytes change where they are and nothing
 * else of the file system does. Throws UserError `root-not-read`, `fstab-not-found`, `fstab-not-editable`: half a change
 * would be a device that does not start.
 *
 * @param commandLine of the kernel, with the disk's id before the change
 */
export async function diskIdExtents(
  read: ReadAt,
  mbr: Pick<PartitionTable, 'diskId' | 'partitions'>,
  diskId: string,
  commandLine: string,
): Promise<readonly Extent[]> {
  if (mbr.diskId === diskId) return [];
  const table = Buffer.from(await read(0, MBR_SIZE_BYTES));
  table.writeUInt32LE(Number.parseInt(diskId, 16), DISK_ID_OFFSET);
  const extents: Extent[] = [];
  const systems = await systemPartitions(read, mbr.partitions, 'the image');
  const root = await rootOf(systems, commandLine);
  for (const system of systems) {
    const { partition, found } = system;
    const isRoot = system === root;
    const reader = isRoot ? requireReader(system, `its ${FSTAB} cannot be changed to another disk id`) : found.reader;
    const changes = reader === undefined ? undefined : await fstabChanges(reader, mbr.diskId, diskId);
    if (changes === undefined && isRoot) throw noFstab(partition.number);
    for (const { offsetBytes, bytes } of changes ?? []) {
      extents.push({ offsetBytes: partition.offsetBytes + offsetBytes, bytes });
    }
  }
  return [...extents, ...(await commandLineExtents(read, mbr, diskId)), { offsetBytes: 0, bytes: table }];
}

/** In cmdline.txt of slots, whose boot partitions are not the one with the seed. Its bytes change where they are too. */
async function commandLineExtents(
  read: ReadAt,
  { diskId: before, partitions }: Pick<PartitionTable, 'diskId' | 'partitions'>,
  diskId: string,
): Promise<readonly Extent[]> {
  const extents: Extent[] = [];
  for (const { offsetBytes: start, sizeBytes, number } of partitions.filter(isFat)) {
    const readHere: ReadAt = (offset, size) => read(start + offset, size);
    const { reader } = await openFileSystem(readHere, sizeBytes, `partition ${number}`);
    if (reader === undefined || (await reader.find(TEMPLATE)) === undefined) continue;
    const file = await reader.find(COMMAND_LINE);
    if (file?.kind !== 'file') continue;
    const bytes = Buffer.from(withDiskId((await reader.bytes(file)).toString('latin1'), before, diskId), 'latin1');
    for (const place of await reader.places(file)) {
      const part = bytes.subarray(place.fileOffsetBytes, place.fileOffsetBytes + place.sizeBytes);
      extents.push({ offsetBytes: start + place.offsetBytes, bytes: part });
    }
  }
  return extents;
}

/** Only the boot partition of a slot has it. */
const TEMPLATE = '/cmdline.in';
const COMMAND_LINE = '/cmdline.txt';

/** Counted from the partition's start; empty where fstab does not name the disk, undefined where there is none. */
async function fstabChanges(
  reader: FileSystemReader,
  before: string,
  after: string,
): Promise<readonly Extent[] | undefined> {
  const fstab = await orNotEditable(() => reader.find(FSTAB));
  if (fstab?.kind !== 'file') return undefined;
  const content = await orNotEditable(() => reader.bytes(fstab));
  const text = content.toString('latin1');
  const changed = withDiskId(text, before, after);
  const left = changed.split('\n').find((line) => !line.trim().startsWith('#') && namesDisk(line, before));
  if (left !== undefined) throw notEditable(`this line names the disk in a way that is not known here: ${left.trim()}`);
  if (changed === text) return [];
  if (reader.facts.dirty) {
    throw notEditable('its file system was not unmounted, and its journal may put another file in its place', [
      'Start the device and shut it down, or let `e2fsck -p` play the journal back.',
    ]);
  }
  const bytes = Buffer.from(changed, 'latin1');
  return (await orNotEditable(() => reader.places(fstab))).map(({ fileOffsetBytes, offsetBytes, sizeBytes }) => ({
    offsetBytes,
    bytes: bytes.subarray(fileOffsetBytes, fileOffsetBytes + sizeBytes),
  }));
}

async function orNotEditable<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw error instanceof ReswarmError ? notEditable(error.message, [], error) : error;
  }
}

function namesDisk(line: string, diskId: string): boolean {
  return new RegExp(`\\b${diskId}-[0-9a-f]{2}\\b`, 'i').test(line);
}

function noFstab(partition: number): UserError {
  return new UserError(
    'fstab-not-found',
    `The root partition (${partition}) has no ${FSTAB}, so what names the disk by its id cannot be changed`,
    { hints: ['Leave the disk its id: without --unique-disk-id.'] },
  );
}

function notEditable(why: string, hints: readonly string[] = [], cause?: ReswarmError): UserError {
  return new UserError('fstab-not-editable', `${FSTAB} cannot be changed to another disk id: ${why}`, {
    hints: [...hints, 'Or leave the disk its id: without --unique-disk-id.'],
    ...(cause === undefined ? {} : { cause }),
  });
}
