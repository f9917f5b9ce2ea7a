import type { RootArchive } from '../boot/boot-method.js';
import { diskOf } from '../disk/disk.js';
import { identify } from '../disk/identity.js';
import { tableScript } from '../disk/table.js';
import type { FileSystem } from '../filesystems/file-system.js';
import { fileSystem } from '../filesystems/registry.js';
import { volumeSize } from '../filesystems/size.js';
import type { Volume } from '../filesystems/volume.js';
import { volumeStage } from '../filesystems/volume.js';
import type { Host } from '../host/host.js';
import type { Partition, PartitionTypes } from '../model/disk.js';
import type { PartitionSpec, VolumeSpec } from '../model/image-spec.js';
import { diskStage } from '../outputs/disk.js';
import type { MadeOutput } from '../outputs/output.js';
import { blockMapStage } from '../outputs/block-map.js';
import { compressStage } from '../outputs/compress.js';
import { virtualDiskStage } from '../outputs/virtual-disk.js';
import type { Node } from '../pipeline/graph.js';
import { Pending, stageNode, stepNode, valueNode } from '../pipeline/graph.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { Tree } from '../tools/tree.js';
import { bootTreeNode, selectorTreeNode } from './boot-tree-node.js';
import type { BuildRequest } from './build-request.js';
import type { Surroundings } from './debian-nodes.js';
import { lockNode, toolsNode } from './debian-nodes.js';
import { attributesNode } from './folder-attributes.js';
import type { LayeredFilesNodes } from './chain/layered-files.js';
import { layeredFilesNodes } from './chain/layered-files.js';
import { earlyUserSpaceNode } from './early-user-space-node.js';
import { encryptedVolumeNode, luksBytes } from './encrypted-root.js';
import { filesTreeNode } from './files-tree-node.js';
import { hardwareNodes, hardwarePackages } from './hardware-nodes.js';
import type { ImageTarget } from './image-target.js';
import { isoNodes } from './iso-nodes.js';
import { networkNodes } from './network-nodes.js';
import type { RootArchiveNodes } from './root-archive-nodes.js';
import { rootArchiveNodes } from './root-archive-nodes.js';
import type { WrittenNodes } from './written-nodes.js';
import type { UserlandNodes, UserlandParts } from './userland.js';
import { userlandNodes, userlandPackages } from './userland-nodes.js';

/** Everything that a build makes, as nodes: nothing runs until a runner is asked for one of them. */
export type ImageGraph = WrittenNodes & {
  readonly tools: Node<ToolsTree>;
  readonly packages: Node<Packages>;
  readonly userland: UserlandNodes;
  /** Undefined for a drive that is written directly. */
  readonly blockMap: Node<Pending<MadeOutput>> | undefined;
  readonly compressed: Node<Pending<MadeOutput>> | undefined;
  /** For a hypervisor, where that is asked for. */
  readonly virtualDisk: Node<Pending<MadeOutput>> | undefined;
  /** All nodes that a build comes to, in the order in which it is told. */
  readonly all: readonly Node<unknown>[];
};

/** The graph of an image: from sources to trees, volumes, the disk and what lies beside it. */
export async function imageGraph(
  request: BuildRequest,
  target: ImageTarget,
  surroundings: Surroundings,
  host: Host,
): Promise<ImageGraph> {
  const { spec } = request;
  const tools = toolsNode(surroundings);
  const packages = await packagesNode(request, tools, surroundings);
  const hardware = hardwareNodes(request, tools, packages);
  const attributes = attributesNode(request, tools, host);
  const identity = identify(spec.id, spec.table, spec.partitions);
  const parts = { tools, packages, hardware, attributes, identity, surroundings };
  const userland = await userlandNodes(request, parts);
  const { root } = spec;
  const archive = root.kind === 'initramfs' ? rootArchiveNodes(request, root, parts, userland.tree) : undefined;
  const layered = userland.chain && layeredFilesNodes(request, userland.chain);
  const early = earlyUserSpaceNode(request, parts, layered?.early);
  const made = writtenNodes(request, target, parts, userland, { root: archive, early, layered });
  const { disk } = made;
  const key = valueNode({ disk }, ({ disk: { key: diskKey } }) => diskKey);
  const { image, compression, format } = target;
  const blockMap =
    image && target.iso === undefined
      ? stepNode(blockMapStage, { key }, ({ key: imageKey }) => ({ imageKey, image }))
      : undefined;
  const compressed =
    image === undefined || compression === 'none'
      ? undefined
      : stepNode(compressStage, { key, tools }, ({ key: imageKey, tools }) => ({
          imageKey,
          image,
          tools,
          compression,
        }));
  const virtualDisk =
    image === undefined || format === undefined
      ? undefined
      : stepNode(virtualDiskStage, { key, tools }, ({ key: imageKey, tools }) => ({ imageKey, image, tools, format }));
  return {
    tools,
    packages,
    userland,
    ...made,
    blockMap,
    compressed,
    virtualDisk,
    all: [
      tools,
      packages,
      ...userland.ofSeed,
      ...hardware.all,
      ...userland.sources,
      ...(userland.chain === undefined
        ? []
        : [userland.chain.kernel, ...userland.chain.layers].map(({ image }) => image)),
      early,
      ...(made.sources ?? []),
      disk,
      blockMap,
      compressed,
      virtualDisk,
    ].filter((node) => node !== undefined),
  };
}

/** The output that is asked for decides the last nodes, and nothing before. */
function writtenNodes(
  request: BuildRequest,
  target: ImageTarget,
  parts: UserlandParts,
  userland: UserlandNodes,
  archives: Archives,
): WrittenNodes {
  if (target.folder !== undefined) return networkNodes(request, target.folder, parts, archives.root);
  if (target.iso !== undefined) return isoNodes(request, target.iso, parts, archives.root);
  return diskNodes(request, target, parts, userland, archives);
}

/** What apt resolves for an image: its packages, and those that are only unpacked while it is made. */
export async function packagesNode(
  request: BuildRequest,
  tools: Node<ToolsTree>,
  surroundings: Surroundings,
): Promise<Node<Packages>> {
  const { board } = request.spec;
  const wanted = await userlandPackages(request);
  const fetched = [...new Set([...hardwarePackages(request), ...wanted.fetched])];
  return lockNode({ board, ...wanted, fetched }, tools, surroundings);
}

/** What the boot partition holds of the root. */
type Archives = {
  readonly root: RootArchiveNodes | undefined;
  readonly early: Node<RootArchive> | undefined;
  readonly layered: LayeredFilesNodes | undefined;
};

/** Volumes of all partitions, and the disk that they are on. */
function diskNodes(
  request: BuildRequest,
  target: ImageTarget,
  { tools, hardware, attributes, identity, surroundings }: UserlandParts,
  userland: UserlandNodes,
  archives: Archives,
): WrittenNodes {
  const { spec, sourceDateEpoch } = request;
  const { alignmentBytes } = spec;
  const treeOf = (name: string | undefined): Node<Tree> => {
    const tree = spec.trees[name ?? ''];
    switch (tree?.from) {
      case 'boot':
        return bootTreeNode(
          request,
          hardware,
          identity,
          archives.root?.archive ?? archives.early,
          archives.layered?.boot,
        );
      case 'selector':
        return selectorTreeNode(request, identity);
      case 'files':
        return filesTreeNode(tree.overlays, sourceDateEpoch, attributes);
      case undefined:
        return filesTreeNode([], sourceDateEpoch, attributes);
      case 'debian':
      case 'busybox':
      case 'workload':
        return userland.tree;
    }
  };
  const volumeInput = (partition: PartitionSpec, volume: VolumeSpec, made: { tools: ToolsTree; tree: Tree }) => {
    return { ...made, volume, ids: identity.partition(partition.name), alignmentBytes, sourceDateEpoch };
  };
  const inside = (volume: VolumeSpec, { name }: PartitionSpec): VolumeSpec => {
    const { sizeBytes } = volume;
    return sizeBytes === 'fit' ? volume : { ...volume, sizeBytes: sizeBytes - luksBytes({ spec, name }) };
  };
  const parts: DiskPart[] = [];
  for (const partition of spec.partitions) {
    const volume = volumeOf(partition, spec.volumes);
    const fs = fileSystem(volume.fs);
    const tree = treeOf(volume.tree);
    // An empty slot is as large as the one that is full.
    const like = parts.find((one) => one.partition.volume === volume.sizeOf);
    const kept = fs.knowsItsPlace
      ? undefined
      : stageNode(volumeStage(partition.name, fs), { tools, tree, like: like?.kept }, ({ like: full, ...made }) => {
          const own = full === undefined ? inside(volume, partition) : emptyLike(volume, full.sizeBytes);
          return volumeInput(partition, own, made);
        });
    parts.push({ partition, volume, fs, tree, kept, like });
  }

  const sizes = parts.map(({ partition: { name }, volume, fs, tree, kept, like }) => {
    const luks = luksBytes({ spec, name });
    if (kept !== undefined) return valueNode({ kept }, ({ kept }) => [name, kept.sizeBytes + luks] as const);
    return valueNode({ tree: like?.tree ?? tree }, ({ tree: { content } }) => {
      if (content === undefined) throw new TypeError(`the content of ${name} is not known before it is made`);
      return [name, volumeSize(name, like?.volume ?? volume, content, fs, alignmentBytes)] as const;
    });
  });
  const layout = valueNode(named(sizes), (known) => diskOf(spec, identity, new Map(Object.values(known))));

  const volumes = parts.map(({ partition, volume, fs, tree, kept }) => {
    const { name } = partition;
    if (kept !== undefined) {
      const encrypted = encryptedVolumeNode(request, name, kept, identity, { tools, surroundings });
      return { name, step: encrypted, pending: encrypted ?? valueNode({ kept }, ({ kept }) => atHand(kept)) };
    }
    const step = stepNode(volumeStage(name, fs), { tools, tree, layout }, ({ tools, tree, layout }) => {
      const at = layout.partitions.find((one) => one.name === name);
      return {
        ...volumeInput(partition, volume, { tools, tree }),
        volume:
          volume.sizeOf === undefined
            ? { ...volume, sizeBytes: at?.sizeBytes ?? volume.sizeBytes }
            : emptyLike(volume, at?.sizeBytes ?? 0),
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
      loader: hardware.loader,
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
  const { root } = spec;
  const ofPartition =
    root.kind === 'partition' ? parts.find(({ partition }) => partition.name === root.partition)?.kept : undefined;
  const rootContent =
    archives.root?.content ??
    archives.layered?.content ??
    (ofPartition && valueNode({ ofPartition }, (made) => made.ofPartition.content));
  if (rootContent === undefined) throw new TypeError('the root has no volume that can be kept');
  return { rootContent, layout, steps: volumes.flatMap(({ step }) => step ?? []), disk };
}

type DiskPart = {
  readonly partition: PartitionSpec;
  readonly volume: VolumeSpec;
  readonly fs: FileSystem;
  readonly tree: Node<Tree>;
  readonly kept: Node<Volume> | undefined;
  /** Whose size it has. */
  readonly like: DiskPart | undefined;
};

function emptyLike(volume: VolumeSpec, sizeBytes: number): VolumeSpec {
  return { ...volume, sizeBytes, headroomBytes: 0, headroomShare: 0 };
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
