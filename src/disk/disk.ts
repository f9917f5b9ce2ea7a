import type { Disk, Partition } from '../model/disk.js';
import type { ImageSpec } from '../model/image-spec.js';
import type { DiskIdentity } from './identity.js';
import { place } from './place.js';

/**
 * The disk of an image: what its partitions are called and where they are.
 *
 * @param sizes bytes of each partition by its name, multiples of the alignment
 * Throws what `place` throws, TypeError for a partition without a size or a volume.
 */
export function diskOf(
  {
    table,
    alignmentBytes,
    partitions,
    volumes,
  }: Pick<ImageSpec, 'table' | 'alignmentBytes' | 'partitions' | 'volumes'>,
  identity: DiskIdentity,
  sizes: ReadonlyMap<string, number>,
): Disk {
  const places = place(
    partitions.map((partition) => ({ ...partition, sizeBytes: known(sizes.get(partition.name), partition.name) })),
    table,
    alignmentBytes,
  );
  const placed = partitions.map(({ name, role, volume, mount, readOnly, grow, logical }): Partition => {
    const { fs, label } = known(volumes[volume], name);
    const described = { name, role, fs, label, readOnly, grow, logical, ...(mount === undefined ? {} : { mount }) };
    return { ...described, ...identity.partition(name), ...known(places.partitions.get(name), name) };
  });
  const primaries = partitions.filter(({ logical }) => !logical).length;
  return {
    table,
    diskId: identity.diskId,
    sectorSizeBytes: 512,
    totalBytes: places.totalBytes,
    partitions: placed.sort((a, b) => a.number - b.number),
    ...(places.extended === undefined ? {} : { extended: { number: primaries + 1, ...places.extended } }),
  };
}

function known<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new TypeError(`the partition ${name} is not described in full`);
  return value;
}
