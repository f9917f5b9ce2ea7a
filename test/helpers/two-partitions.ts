import { diskOf } from '../../src/disk/disk.js';
import { identify } from '../../src/disk/identity.js';
import { tableScript } from '../../src/disk/table.js';
import { fileSystem } from '../../src/filesystems/registry.js';
import { volumeSize } from '../../src/filesystems/size.js';
import type { Disk, Partition } from '../../src/model/disk.js';
import type { FileSystemName, ImageSpec, PartitionSpec, VolumeSpec } from '../../src/model/image-spec.js';
import { MiB } from '../../src/model/bytes.js';
import type { TreeContent } from '../../src/model/tree-content.js';

/** What a test asks of one partition. */
export type Asked = {
  readonly label?: string;
  readonly startBytes?: number | 'auto';
  readonly sizeBytes?: number | 'fit';
  readonly headroomBytes?: number;
};

export type TwoPartitions = {
  readonly id?: string;
  readonly alignmentBytes?: number;
  readonly boot?: Asked;
  readonly root?: Asked;
};
export type TwoContents = { readonly boot: TreeContent; readonly root: TreeContent };

export type DiskSpec = Pick<ImageSpec, 'id' | 'table' | 'alignmentBytes' | 'partitions' | 'volumes'>;

/** The usual disk: a FAT for /boot, and an ext4 root that grows. */
export function twoPartitions({ id = 'test', alignmentBytes = 4 * MiB, boot, root }: TwoPartitions = {}): DiskSpec {
  const partition = (name: 'boot' | 'root', { startBytes = 'auto' }: Asked = {}): PartitionSpec => ({
    name,
    role: name,
    volume: name,
    startBytes,
    mount: name === 'boot' ? '/boot' : '/',
    readOnly: false,
    grow: name === 'root',
    logical: false,
  });
  const volume = (fs: FileSystemName, { label = fs, sizeBytes = 'fit', headroomBytes = 0 }: Asked = {}): VolumeSpec => {
    return { fs, label, sizeBytes, headroomBytes };
  };
  return {
    id,
    table: 'mbr',
    alignmentBytes,
    partitions: [partition('boot', boot), partition('root', root)],
    volumes: { boot: volume('vfat', { label: 'BOOT', ...boot }), root: volume('ext4', { label: 'root', ...root }) },
  };
}

/** Sizes and places for what the partitions will hold, as a build computes them. */
export function diskFor(
  spec: DiskSpec,
  content: TwoContents,
): Disk & { readonly partitions: readonly [Partition, Partition] } {
  const sizes = (['boot', 'root'] as const).map((name) => {
    const volume = spec.volumes[name];
    if (volume === undefined) throw new TypeError(name);
    return [name, volumeSize(name, volume, content[name], fileSystem(volume.fs), spec.alignmentBytes)] as const;
  });
  const disk = diskOf(spec, identify(spec.id, spec.table, spec.partitions), new Map(sizes));
  return disk as Disk & { readonly partitions: readonly [Partition, Partition] };
}

/** What sfdisk is given for it. */
export function scriptFor(disk: Disk): string {
  return tableScript(disk, ({ fs }) => fileSystem(fs).partitionTypes);
}
