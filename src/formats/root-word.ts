import type { Partition } from '../model/partition-table.js';

/** What `root=` of a kernel command line names a partition by. */
export type RootWord =
  | { readonly by: 'partUuid' | 'partLabel' | 'uuid' | 'label'; readonly value: string; readonly numberOffset: number }
  | { readonly by: 'number'; readonly value: number };

const TAGS: Readonly<Record<string, 'partUuid' | 'partLabel' | 'uuid' | 'label'>> = {
  PARTUUID: 'partUuid',
  PARTLABEL: 'partLabel',
  UUID: 'uuid',
  LABEL: 'label',
  'by-partuuid': 'partUuid',
  'by-partlabel': 'partLabel',
  'by-uuid': 'uuid',
  'by-label': 'label',
};

/**
 * Reads `root=PARTUUID=1234abcd-02`, `root=PARTUUID=<GUID>/PARTNROFF=1`, `root=PARTLABEL=`, `root=UUID=`, `root=LABEL=`,
 * `root=/dev/disk/by-…` and `root=/dev/mmcblk0p2`. The last `root=` counts, as in the kernel. Undefined where there is
 * none, or one that names no partition (`/dev/ram0`, `/dev/nfs`).
 * https://docs.kernel.org/admin-guide/kernel-parameters.html, block/early-lookup.c
 */
export function rootWordOf(commandLine: string): RootWord | undefined {
  const root = [...commandLine.matchAll(/(?:^|\s)root=(?:"([^"]*)"|(\S+))/g)].at(-1);
  const word = root?.[1] ?? root?.[2];
  if (word === undefined) return undefined;
  const tagged = /^([A-Z]+)=(.+)$/.exec(word) ?? /^\/dev\/disk\/(by-[a-z]+)\/(.+)$/.exec(word);
  const by = tagged === null ? undefined : TAGS[tagged[1] ?? ''];
  if (by !== undefined) {
    const [value = '', offset] = (tagged?.[2] ?? '').split('/PARTNROFF=');
    return { by, value: value.replace(/^(["'])(.*)\1$/, '$2'), numberOffset: Number(offset ?? 0) };
  }
  const number = /^\/dev\/(?:[a-z0-9]*\dp|[a-z]+)(\d+)$/.exec(word)?.[1];
  return number === undefined ? undefined : { by: 'number', value: Number(number) };
}

/**
 * The partition that a root word names; undefined when none goes by that name.
 * @param namesOf label and UUID of a partition's file system, where they are known
 */
export function partitionNamed(
  word: RootWord,
  partitions: readonly Partition[],
  namesOf: (partition: Partition) => { readonly label: string; readonly uuid: string } | undefined,
): Partition | undefined {
  if (word.by === 'number') return partitions.find(({ number }) => number === word.value);
  const { by, value, numberOffset } = word;
  const isNamed = (partition: Partition): boolean => {
    switch (by) {
      case 'partUuid':
        return partition.partUuid === value.toLowerCase();
      case 'partLabel':
        return partition.name === value;
      case 'uuid':
        return namesOf(partition)?.uuid.toLowerCase() === value.toLowerCase();
      case 'label':
        return namesOf(partition)?.label === value;
    }
  };
  const found = partitions.find(isNamed);
  if (found === undefined || numberOffset === 0) return found;
  return partitions.find(({ number }) => number === found.number + numberOffset);
}
