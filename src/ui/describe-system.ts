import type { DebianTreeSpec, ImageSpec, PartitionSpec } from '../model/image-spec.js';
import { formatSize } from '../model/bytes.js';

type Image = Omit<ImageSpec, 'board'>;
type Row = readonly [string, string];

/** A system for people: one row a subject, a row a partition. */
export function describeSystem(image: Image, files: readonly string[]): string {
  return [
    image.system.id,
    image.system.description,
    '',
    ...formatRows([['written in', files.join(', ')], ...imageRows(image)]),
  ].join('\n');
}

/** What an image has beside its hardware. */
export function imageRows(image: Image): readonly Row[] {
  return [
    ['host name', image.hostname],
    ...Object.values(image.trees).flatMap((tree) => (tree.from === 'debian' ? debianRows(tree) : [])),
    ['disk', `${image.table === 'mbr' ? 'MBR' : 'GPT'}, alignment ${formatSize(image.alignmentBytes)}`],
    ...image.partitions.map((partition, index): Row => [
      index === 0 ? 'partitions' : '',
      describePartition(partition, image),
    ]),
  ];
}

/** Names in a column of their own. */
export function formatRows(rows: readonly Row[]): readonly string[] {
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}`);
}

function debianRows(tree: DebianTreeSpec): readonly Row[] {
  const engine = tree.layers.find((layer) => layer.engine !== undefined)?.engine ?? 'none';
  return [
    ['debian', tree.suite],
    ['layers', tree.layers.map(({ name }) => name).join(', ')],
    ['engine', engine],
    ...rowOf('packages', [...tree.packages, ...tree.packageFiles.map(({ path }) => path)]),
    ...rowOf('without', tree.withoutPackages),
    ...rowOf(
      'repositories',
      tree.repositories.map(({ name, url, suite }) => `${name} (${url} ${suite})`),
    ),
    ...rowOf('folders', tree.overlays),
    ...rowOf(
      'images',
      tree.containerImages.map(({ path }) => path),
    ),
    ...rowOf(
      'software',
      tree.software.map(({ name }) => name),
    ),
  ];
}

/** No row where there is nothing to say. */
function rowOf(name: string, values: readonly string[]): readonly Row[] {
  return values.length === 0 ? [] : [[name, values.join(', ')]];
}

function describePartition(partition: PartitionSpec, image: Image): string {
  const volume = image.volumes[partition.volume];
  if (volume === undefined) throw new TypeError(`the partition ${partition.name} has no volume`);
  const size = volume.sizeBytes === 'fit' ? 'size from content' : formatSize(volume.sizeBytes);
  return [
    `${partition.name}: ${partition.role}, ${volume.fs}${volume.label === '' ? '' : ` "${volume.label}"`}`,
    partition.mount === undefined ? 'not mounted' : `at ${partition.mount}`,
    `${size}, ${formatSize(volume.headroomBytes)} headroom`,
    ...(partition.startBytes === 'auto' ? [] : [`begins at ${formatSize(partition.startBytes)}`]),
    ...(partition.logical ? ['logical'] : []),
    ...(partition.readOnly ? ['read-only'] : []),
    ...(partition.grow ? ['grows on first boot'] : []),
  ].join(', ');
}
