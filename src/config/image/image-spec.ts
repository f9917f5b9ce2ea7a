import type {
  DockerBundlePin,
  Feature,
  ImageSpec,
  Layer,
  PartitionSpec,
  RootSpec,
  TreeSpec,
  VolumeSpec,
} from '../../model/image-spec.js';
import { FEATURES, STANDARD_KERNEL } from '../../model/image-spec.js';
import { alignmentBytes } from '../partitions/draft-disk.js';
import type { DraftPartition } from '../partitions/draft-partitions.js';
import type { ResolvedImage } from './resolve-image.js';
import { rootEncryption } from './root-rules.js';
import { sizeBytes } from '../size-schema.js';
import type { ImageStatements } from '../statements/statements.js';

/** The image as a value, of parts that the rules have let through. `id`: of its board. */
export function imageSpec(
  id: string,
  systemId: string,
  { statements, layers, disk }: ResolvedImage,
): Omit<ImageSpec, 'board'> {
  const { partitions } = disk;
  return {
    id,
    system: { id: systemId, description: statements.description?.value ?? '' },
    hostname: statements.hostname?.value ?? '',
    kernelProfiles: [statements.kernel?.value ?? STANDARD_KERNEL].flat(),
    trees: Object.fromEntries([
      ...(disk.rootIsArchive ? [[ROOT_TREE, smallRoot(statements, layers)]] : []),
      ...partitions.flatMap((one) => treeOf(one, statements, layers)),
    ]) as Record<string, TreeSpec>,
    volumes: Object.fromEntries(partitions.map((one) => [one.name, volumeOf(one, partitions)])),
    table: disk.table.value,
    alignmentBytes: alignmentBytes(disk),
    partitions: partitions.map(partitionOf),
    root: disk.rootIsArchive ? archiveRoot(statements) : partitionRoot(partitions, statements),
    features: featuresOf(layers, statements),
  };
}

const ROOT_TREE = 'root';

function partitionRoot(partitions: readonly DraftPartition[], { root: said }: ImageStatements): RootSpec {
  const root = partitions.find(({ role }) => role === 'root');
  if (root === undefined) throw new TypeError('an image without a root partition');
  const encryption = said && rootEncryption(said.value);
  return { kind: 'partition', partition: root.name, ...(encryption === undefined ? {} : { encryption }) };
}

function archiveRoot({ filesystem, compression, sizeBudget }: ImageStatements): RootSpec {
  return {
    kind: 'initramfs',
    tree: ROOT_TREE,
    filesystem: filesystem?.value ?? 'initramfs',
    compression: compression?.value ?? 'zstd',
    ...(sizeBudget === undefined ? {} : { sizeBudgetBytes: sizeBytes(sizeBudget.value) }),
  };
}

/** The root of a system that is not made of Debian. */
function smallRoot(statements: ImageStatements, layers: readonly Layer[]): TreeSpec {
  const overlays = statements.overlays.map(({ value }) => value);
  if (statements.userland?.value === 'workload') {
    return { from: 'workload', suite: statements.suite?.value ?? '', overlays };
  }
  const options = (statements.busybox ?? []).map(({ value }) => value);
  return {
    from: 'busybox',
    suite: statements.suite?.value ?? '',
    layers,
    options,
    ssh: statements.ssh?.value ?? 'none',
    overlays,
  };
}

function treeOf(
  partition: DraftPartition,
  statements: ImageStatements,
  layers: readonly Layer[],
): [string, TreeSpec][] {
  const name = treeName(partition);
  if (name === undefined) return [];
  if (partition.role === 'boot' || partition.role === 'selector') return [[name, { from: partition.role }]];
  if (partition.role === 'data') {
    return [[name, { from: 'files', overlays: partition.files.map(({ value }) => value) }]];
  }
  const tree: TreeSpec = {
    from: 'debian',
    suite: statements.suite?.value ?? '',
    layers: layers.map((layer) => withBundle(layer, statements.bundle?.value)),
    packages: statements.packages,
    packageFiles: statements.packageFiles,
    withoutPackages: statements.withoutPackages.map(({ value }) => value),
    repositories: statements.repositories,
    capabilities: statements.capabilities,
    overlays: statements.overlays.map(({ value }) => value),
    containerImages: statements.containerImages.map(({ value, at }) => ({ path: value, at })),
    software: statements.software,
  };
  return [[name, tree]];
}

/** Trees of folders are called like their partition. */
function treeName({ name, tree, files }: DraftPartition): string | undefined {
  return tree ?? (files.length > 0 ? name : undefined);
}

function withBundle(layer: Layer, bundle: DockerBundlePin | undefined): Layer {
  return layer.bundle === undefined || bundle === undefined ? layer : { ...layer, bundle };
}

function volumeOf(partition: DraftPartition, partitions: readonly DraftPartition[]): VolumeSpec {
  const first =
    partition.slot === 'b' ? partitions.find(({ role, slot }) => role === partition.role && slot === 'a') : undefined;
  const tree = first === undefined ? treeName(partition) : undefined;
  return {
    fs: partition.fs,
    ...(tree === undefined ? {} : { tree }),
    label: partition.label,
    sizeBytes: partition.sizeBytes === 'auto' ? 'fit' : partition.sizeBytes,
    headroomBytes: partition.headroomBytes,
    ...(partition.headroomShare === 0 ? {} : { headroomShare: partition.headroomShare }),
    ...(first === undefined ? {} : { sizeOf: first.name }),
  };
}

function partitionOf(draft: DraftPartition): PartitionSpec {
  const { name, role, startBytes, mount, readOnly, grow, logical, slot } = draft;
  return {
    name,
    role,
    volume: name,
    startBytes,
    ...(mount === undefined ? {} : { mount }),
    readOnly,
    grow,
    logical,
    ...(slot === undefined ? {} : { slot }),
  };
}

/** A feature whose package is left out is none of the image's. */
function featuresOf(layers: readonly Layer[], { withoutPackages }: ImageStatements): Feature[] {
  const without = withoutPackages.map(({ value }) => value);
  return FEATURES.filter((feature) => {
    const brought = PACKAGE_OF_FEATURE[feature];
    if (brought !== undefined && without.includes(brought)) return false;
    return layers.some(({ features }) => features.includes(feature));
  });
}

const PACKAGE_OF_FEATURE: Readonly<Partial<Record<Feature, string>>> = { ssh: 'openssh-server' };
