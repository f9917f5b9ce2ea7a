import { AUTOBOOT } from '../formats/autoboot.js';
import { isEfiSystem, isFat } from '../formats/partition-types.js';
import { partitionNamed, rootWordOf } from '../formats/root-word.js';
import type { Partition, PartitionTable } from '../model/partition-table.js';

/** Names in the root of a partition's FAT, in lower case; undefined where it holds none. */
export type RootNames = (partition: Partition) => Promise<ReadonlySet<string> | undefined>;

/**
 * The FAT that the machine starts from: of several the one with a Raspberry Pi's config.txt or command line, or the one
 * with a seed of cloud-init, or the EFI system partition, or the first. Undefined where the table names no FAT.
 *
 * @param rootNames asked only where there is a choice
 */
export async function findBootPartition(
  { partitions }: PartitionTable,
  rootNames: RootNames,
): Promise<Partition | undefined> {
  const [first, ...others] = partitions.filter(isFat);
  if (first === undefined || others.length === 0) return first;
  let best = { partition: first, rank: -1 };
  for (const partition of [first, ...others]) {
    const rank = rankOf(partition, await rootNames(partition));
    if (rank > best.rank) best = { partition, rank };
  }
  return best.partition;
}

/**
 * The FAT with the seed: of an image with two slots the one that says which of them is started, of every other the FAT
 * that the machine starts from.
 */
export async function findSeedPartition(table: PartitionTable, rootNames: RootNames): Promise<Partition | undefined> {
  const [first, ...others] = table.partitions.filter(isFat);
  if (first !== undefined && others.length > 0 && (await rootNames(first))?.has(AUTOBOOT) === true) return first;
  return findBootPartition(table, rootNames);
}

function rankOf(partition: Partition, names: ReadonlySet<string> | undefined): number {
  if (names === undefined) return 0;
  if (names.has('config.txt') || names.has('cmdline.txt')) return 4;
  if (names.has('user-data') || names.has('meta-data')) return 3;
  return isEfiSystem(partition) ? 2 : 1;
}

/**
 * Partitions in the order in which a root is looked for: the one that the command line names, then 2, where a Raspberry
 * Pi's image has it, then the others by their numbers.
 *
 * @param namesOf label and UUID of a partition's file system, where they are known
 */
export function rootFirst(
  partitions: readonly Partition[],
  commandLine: string,
  namesOf: (partition: Partition) => { readonly label: string; readonly uuid: string } | undefined,
): readonly Partition[] {
  const word = rootWordOf(commandLine);
  const named = word && partitionNamed(word, partitions, namesOf);
  const rank = (partition: Partition): number => (partition === named ? 0 : partition.number === 2 ? 1 : 2);
  return partitions.toSorted((a, b) => rank(a) - rank(b));
}
