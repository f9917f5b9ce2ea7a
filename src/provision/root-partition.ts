import { UserError } from '../errors.js';
import type { FoundFileSystem } from '../formats/file-systems.js';
import { openFileSystem } from '../formats/file-systems.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { isExtended } from '../formats/partition-types.js';
import { partitionNamed, rootWordOf } from '../formats/root-word.js';
import type { Partition } from '../model/partition-table.js';
import type { ReadAt } from '../model/read-at.js';

/** A partition that is no FAT, and what is in it. */
export type SystemPartition = { readonly partition: Partition; readonly found: FoundFileSystem };

/** Opens all partitions that may hold a system: what is not a FAT. Throws nothing because of what they hold. */
export async function systemPartitions(
  read: ReadAt,
  partitions: readonly Partition[],
  name: string,
): Promise<readonly SystemPartition[]> {
  const opened: SystemPartition[] = [];
  for (const partition of partitions.filter((one) => !isExtended(one))) {
    const readHere: ReadAt = (offset, size) => read(partition.offsetBytes + offset, size);
    const found = await openFileSystem(readHere, partition.sizeBytes, `partition ${partition.number} of ${name}`);
    if ((found.reader?.facts.kind ?? found.other)?.startsWith('fat') !== true) opened.push({ partition, found });
  }
  return opened;
}

/**
 * The one that the device has at "/": the one that the command line names, or else the first with an /etc. Where none
 * has one, one that cannot be read may be it. undefined where there is nothing but FAT.
 */
export async function rootOf(
  systems: readonly SystemPartition[],
  commandLine: string,
): Promise<SystemPartition | undefined> {
  const systemOf = (wanted: Partition): SystemPartition | undefined =>
    systems.find(({ partition }) => partition === wanted);
  const word = rootWordOf(commandLine);
  const partitions = systems.map(({ partition }) => partition);
  const named = word && partitionNamed(word, partitions, (one) => systemOf(one)?.found.reader?.facts);
  if (named !== undefined) return systemOf(named);
  for (const system of systems) if ((await system.found.reader?.find('/etc'))?.kind === 'folder') return system;
  return systems.find(({ found }) => found.reader === undefined && found.other !== 'swap') ?? systems[0];
}

/** Throws UserError `root-not-read`: `so` says what cannot be done without it. */
export function requireReader({ partition, found }: SystemPartition, so: string): FileSystemReader {
  if (found.reader !== undefined) return found.reader;
  const why = found.error?.message ?? 'it holds no file system that is known here';
  throw new UserError('root-not-read', `The root partition (${partition.number}) cannot be read, so ${so}: ${why}`, {
    hints: ['ext2, ext3 and ext4 are read.'],
    ...(found.error === undefined ? {} : { cause: found.error }),
  });
}
