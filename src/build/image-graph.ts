import { diskOf } from '../disk/disk.js';
import { identify } from '../disk/identity.js';
import { tableScript } from '../disk/table.js';
import { fileSystem } from '../filesystems/registry.js';
import { volumeSize } from '../filesystems/size.js';
import type { Volume } from '../filesystems/volume.js';
import { volumeStage } from '../filesystems/volume.js';
import type { Host } from '../host/host.js';
import type { Disk, Partition, PartitionTypes } from '../model/disk.js';
import type { PartitionSpec, VolumeSpec } from '../model/image-spec.js';
import type { WrittenDisk } from '../outputs/disk.js';
import { diskStage } from '../outputs/disk.js';
import type { MadeOutput } from '../outputs/output.js';
import { blockMapStage } from '../outputs/block-map.js';
import { compressStage } from '../outputs/compress.js';
import type { Node } from '../pipeline/graph.js';
import { Pending, stageNode, stepNode, valueNode } from '../pipeline/graph.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { loadCloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { unpackDeb } from '../sources/debian/unpack-deb.js';
import { cloudInitSchemaStage } from '../tools/cloud-init-schema.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { Rootfs } from '../sources/debian/rootfs/rootfs.js';
import type { Netplan } from '../tools/netplan-generator.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { Tree } from '../tools/tree.js';
import type { BuildRequest } from './build-request.js';
import type { Surroundings } from './debian-nodes.js';
import { toolsNode } from './debian-nodes.js';
import { attributesNode } from './folder-attributes.js';
import type { ImageTarget } from './image-target.js';
import { netplanNode } from './netplan-node.js';
import { packagesNode, sourceNodes } from './source-nodes.js';
import { treeNode } from './tree-nodes.js';

/** Everything that a build makes, as nodes: nothing runs until a runner is asked for one of them. */
export type ImageGraph = {
  readonly tools: Node<ToolsTree>;
  readonly packages: Node<Packages>;
  readonly cloudInitSchemas: Node<CloudInitSchemas>;
  readonly netplan: Node<Netplan | undefined>;
  readonly rootfs: Node<Rootfs>;
  /** Places and sizes of all partitions. */
  readonly layout: Node<Disk>;
  /** The root's volume. */
  readonly root: Node<Volume>;
  /** Volumes that are made for each build, because they carry the seed. */
  readonly steps: readonly Node<Pending<Volume>>[];
  readonly disk: Node<Pending<WrittenDisk>>;
  /** Undefined for a drive that is written directly. */
  readonly blockMap: Node<Pending<MadeOutput>> | undefined;
  readonly compressed: Node<Pending<MadeOutput>> | undefined;
  /** All nodes that a build comes to, in the order in which it is told. */
  readonly all: readonly Node<unknown>[];
};

/** The graph of an image: from sources to trees, volumes, the disk and what lies beside it. */
export function imageGraph(
  request: BuildRequest,
  target: ImageTarget,
  surroundings: Surroundings,
  host: Host,
): ImageGraph {
  const { spec, sourceDateEpoch } = request;
  const { alignmentBytes } = spec;
  const tools = toolsNode(surroundings);
  const packages = packagesNode(request, tools, surroundings);
  const schemaFolder = stageNode(cloudInitSchemaStage, { tools, packages }, ({ tools, packages }) => {
    const deb = packages.deb('cloud-init');
    return { deb, unpack: (context) => unpackDeb(deb, tools, context) };
  });
  const cloudInitSchemas = valueNode({ schemaFolder }, ({ schemaFolder: folder }) => loadCloudInitSchemas(folder));
  const netplan = netplanNode(tools, packages, surroundings);
  const sources = sourceNodes(request, tools, packages, surroundings);
  const attributes = attributesNode(request, tools, host);
  const identity = identify(spec.id, spec.table, spec.partitions);

  const volumeInput = (partition: PartitionSpec, volume: VolumeSpec, made: { tools: ToolsTree; tree: Tree }) => {
    return { ...made, volume, ids: identity.partition(partition.name), alignmentBytes, sourceDateEpoch };
  };
  const parts = spec.partitions.map((partition) => {
    const volume = volumeOf(partition, spec.volumes);
    const fs = fileSystem(volume.fs);
    const tree = treeNode(spec.trees[volume.tree ?? ''], request, { sources, identity, attributes });
    const kept = fs.knowsItsPlace
      ? undefined
      : stageNode(volumeStage(partition.name, fs), { tools, tree }, (made) => volumeInput(partition, volume, made));
    return { partition, volume, fs, tree, kept };
  });

  const sizes = parts.map(({ partition: { name }, volume, fs, tree, kept }) => {
    if (kept !== undefined) return valueNode({ kept }, ({ kept }) => [name, kept.sizeBytes] as const);
    return valueNode({ tree }, ({ tree: { content } }) => {
      if (content === undefined) throw new TypeError(`the content of ${name} is not known before it is made`);
      return [name, volumeSize(name, volume, content, fs, alignmentBytes)] as const;
    });
  });
  const layout = valueNode(named(sizes), (known) => diskOf(spec, identity, new Map(Object.values(known))));

  const volumes = parts.map(({ partition, volume, fs, tree, kept }) => {
    const { name } = partition;
    if (kept !== undefined) return { name, step: undefined, pending: valueNode({ kept }, ({ kept }) => atHand(kept)) };
    const step = stepNode(volumeStage(name, fs), { tools, tree, layout }, ({ tools, tree, layout }) => {
      const at = layout.partitions.find((one) => one.name === name);
      return {
        ...volumeInput(partition, volume, { tools, tree }),
        volume: { ...volume, sizeBytes: at?.sizeBytes ?? volume.sizeBytes },
        offsetBytes: at?.offsetBytes,
      };
    });
    return { name, step, pending: step };
  });
  const disk = stepNode(
    diskStage,
    {
      tools,
      layout,
      loader: sources.loader,
      volumes: valueNode(named(volumes.map(({ pending }) => pending)), (all) => Object.values(all)),
    },
    ({ tools, layout, loader, volumes: made }) => ({
      tools,
      disk: layout,
      loader,
      tableScript: tableScript(layout, typesOf),
      volumes: Object.fromEntries(volumes.map(({ name }, index) => [name, made[index] as Pending<Volume>])),
      write: target.write,
    }),
  );
  const key = valueNode({ disk }, ({ disk: { key: diskKey } }) => diskKey);
  const { image, compression } = target;
  const blockMap = image && stepNode(blockMapStage, { key }, ({ key: imageKey }) => ({ imageKey, image }));
  const compressed =
    image === undefined || compression === 'none'
      ? undefined
      : stepNode(compressStage, { key, tools }, ({ key: imageKey, tools }) => ({
          imageKey,
          image,
          tools,
          compression,
        }));
  const root = parts.find(({ partition }) => partition.name === spec.root.partition)?.kept;
  if (root === undefined) throw new TypeError('the root has no volume that can be kept');
  const steps = volumes.flatMap(({ step }) => step ?? []);
  return {
    tools,
    packages,
    cloudInitSchemas,
    netplan,
    rootfs: sources.rootfs,
    layout,
    root,
    steps,
    disk,
    blockMap,
    compressed,
    all: [tools, packages, cloudInitSchemas, netplan, ...sources.all, disk, blockMap, compressed].filter(
      (node) => node !== undefined,
    ),
  };
}

function volumeOf({ name, volume }: PartitionSpec, volumes: Readonly<Record<string, VolumeSpec>>): VolumeSpec {
  const found = volumes[volume];
  if (found === undefined) throw new TypeError(`the partition ${name} has no volume`);
  return found;
}

const EFI_SYSTEM_PARTITION = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

function typesOf({ role, fs }: Partition): PartitionTypes {
  const { partitionTypes } = fileSystem(fs);
  return role === 'boot' ? { ...partitionTypes, gpt: EFI_SYSTEM_PARTITION } : partitionTypes;
}

/** Needs are named; the order stays. */
function named<Output>(nodes: readonly Node<Output>[]): Readonly<Record<string, Node<Output>>> {
  return Object.fromEntries(nodes.map((node, index) => [`need ${index}`, node]));
}

function atHand<Output extends { readonly key: string }>(made: Output): Pending<Output> {
  return new Pending(made.key, () => Promise.resolve(made));
}
