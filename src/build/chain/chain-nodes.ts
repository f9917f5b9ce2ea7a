import { UserError } from '../../errors.js';
import type { LayerImage } from '../../filesystems/layer-image.js';
import { layerImageStage } from '../../filesystems/layer-image.js';
import { formatFstab } from '../../formats/fstab.js';
import type { LayersRoot } from '../../model/image-spec.js';
import { chainName, KERNEL_LAYER } from '../../model/chain-layer.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import type { ChainLayerTree } from '../../sources/debian/chain/layer-files.js';
import { typeClash } from '../../sources/debian/chain/layer-clashes.js';
import { layerTreeStage } from '../../sources/debian/chain/layer-tree.js';
import { looseLayerStage } from '../../sources/debian/chain/loose-layer.js';
import { deviceSource, isOnDevice } from '../../sources/debian/repositories.js';
import { osReleaseVariant, reswarmRelease } from '../../sources/debian/root/release-files.js';
import type { OverPackages, RootText } from '../../sources/debian/root/root-tree.js';
import { rootfsStage } from '../../sources/debian/rootfs/rootfs.js';
import type { Rootfs } from '../../sources/debian/rootfs/rootfs.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { BuildRequest } from '../build-request.js';
import { copiedFolders } from '../copied-folders.js';
import type { DebianRequest } from '../debian/debian-request.js';
import { debianSources, rootfsInputNode } from '../debian/debian-sources.js';
import {
  commandsInImage,
  ENGINE_FILE,
  fstabRows,
  growthTexts,
  imageTexts,
  placedFiles,
  unitTexts,
} from '../debian/root-tree-node.js';
import type { AttributesOf } from '../folder-attributes.js';
import type { UserlandParts } from '../userland.js';
import type { ChainNodes } from './chain.js';
import type { LayerRequest } from './layer-requests.js';

export function chainNodes(
  request: BuildRequest,
  debian: DebianRequest,
  root: LayersRoot,
  layers: readonly LayerRequest[],
  parts: UserlandParts,
): ChainNodes {
  const { sourceDateEpoch, spec } = request;
  const { tools, packages, surroundings, hardware, attributes } = parts;
  const sources = debianSources(request, debian, tools, packages, surroundings);
  const { wireless, dockerBundle, software } = sources;
  const given = { tools, attributes, dockerBundle, software };
  const trees: Node<ChainLayerTree>[] = [];
  let rootfs: Node<Rootfs> | undefined;
  const inputOf = (index: number): ReturnType<typeof rootfsInputNode> => {
    const upTo = layers.slice(0, index + 1);
    const shaping = {
      layers: upTo.flatMap(({ pieces }) => pieces),
      overlays: upTo.flatMap(({ overlays }) => overlays),
    };
    return rootfsInputNode(debian, sourceDateEpoch, tools, packages, surroundings, shaping, (lock) => {
      const own = new Set(lock.layers?.[index]);
      const present = new Set(lock.layers?.slice(0, index + 1).flat());
      return {
        ...lock,
        install: lock.install.filter(({ name }) => own.has(name)),
        twins: lock.twins.filter(({ name }) => present.has(name)),
      };
    });
  };
  for (const [index, layer] of layers.entries()) {
    const over = valueNode(given, (made) => overPackages(request, debian, layers, index, made, parts));
    if (layer.isLoose) {
      trees.push(stageNode(looseLayerStage(layer.name), { tools, over }, (made) => made));
      continue;
    }
    const input = inputOf(index);
    rootfs ??= stageNode(rootfsStage, { input }, (made) => made.input);
    const below = valueNode(named(trees), (made) => Object.values(made));
    const lowest = index === 0 ? rootfs : undefined;
    trees.push(
      stageNode(layerTreeStage(layer.name), { input, lowest, below, over }, (made) => ({
        packages: made.input,
        rootfs: made.lowest,
        below: made.below,
        over: made.over,
      })),
    );
  }
  if (rootfs === undefined) throw new TypeError('a chain has a lowest layer with packages');
  const imageOf = (name: string, tree: Node<ChainLayerTree>): Node<LayerImage> =>
    stageNode(layerImageStage(name), { tools, tree }, async ({ tools, tree }) => {
      const top = (await tree.content()).entries.get('') ?? { mode: 0o755, uid: 0, gid: 0 };
      return { tools, layer: tree, root: top, compression: root.compression, sourceDateEpoch };
    });
  const kernelOver = valueNode({ kernel: hardware.kernel, wireless, rootfs }, (made): OverPackages => {
    const release = { board: spec.board, version: request.version, kernel: made.kernel.key, rootfs: made.rootfs.key };
    return {
      ...NOTHING,
      folders: [
        { path: made.kernel.modules, digest: made.kernel.key, normaliseModes: true },
        { path: made.wireless.path, digest: made.wireless.key, normaliseModes: true },
      ],
      texts: [{ path: 'etc/reswarm-os-release', text: reswarmRelease(release) }],
      sourceDateEpoch,
    };
  });
  const kernelTree = stageNode(looseLayerStage(KERNEL_LAYER), { tools, over: kernelOver }, (made) => made);
  const all = [kernelTree, ...trees];
  return {
    kernel: {
      name: KERNEL_LAYER,
      file: `${KERNEL_LAYER}.sqfs`,
      isLoose: true,
      tree: kernelTree,
      image: imageOf(KERNEL_LAYER, kernelTree),
    },
    layers: layers.map(({ name, isLoose }, index) => {
      const tree = trees[index] as Node<ChainLayerTree>;
      return { name, file: `${chainName(layers, index)}.sqfs`, isLoose, tree, image: imageOf(name, tree) };
    }),
    sources: [wireless, dockerBundle, software, rootfs, ...all].filter((node) => node !== undefined),
    checked: valueNode(named(all), async (made) => {
      const checked = Object.values(made);
      const problems = await typeClash(checked);
      if (problems.length > 0) throw UserError.fromProblems(problems);
      return checked;
    }),
    rootfs,
  };
}

type Given = {
  readonly tools: ToolsTree;
  readonly attributes: AttributesOf;
  readonly dockerBundle: { readonly path: string; readonly key: string } | undefined;
  readonly software: { readonly path: string } | undefined;
};

const NOTHING = { folders: [], texts: [], mountPoints: [], files: [], inImage: [] };

/** What a layer has over its packages. What the image itself needs is in the lowest. */
async function overPackages(
  request: BuildRequest,
  debian: DebianRequest,
  layers: readonly LayerRequest[],
  index: number,
  { attributes, dockerBundle, software }: Given,
  { identity }: UserlandParts,
): Promise<OverPackages> {
  const { spec, sourceDateEpoch, version } = request;
  const layer = layers[index] as LayerRequest;
  const upTo = layers.slice(0, index + 1);
  const { pieces, overlays } = layer;
  const isLowest = index === 0;
  const engine = pieces.find((piece) => piece.engine !== undefined)?.engine;
  const bundle = pieces.some((piece) => piece.bundle !== undefined) ? dockerBundle : undefined;
  const folders = await copiedFolders(pieces, overlays);
  const content = {
    images: layer.images,
    software: layer.software,
    repositories: isLowest ? debian.repositories : [],
    keyring: isLowest ? debian.keyring : [],
  };
  return {
    folders: [
      ...(bundle === undefined ? [] : [{ path: bundle.path, digest: bundle.key, normaliseModes: true }]),
      ...folders.map((one) => ({ ...one, attributes: attributes.get(one.path) })),
    ],
    texts: [
      ...(isLowest ? lowestTexts(request, debian, identity) : []),
      ...(engine === undefined ? [] : [{ path: ENGINE_FILE, text: `${engine}\n` }]),
      // A file of an upper layer hides that of a lower one: it says what both would.
      ...(layer.images.length === 0 ? [] : imageTexts(upTo.flatMap((one) => one.images))),
      ...(layer.software.length === 0 ? [] : unitTexts(upTo.flatMap((one) => one.software))),
    ],
    mountPoints: isLowest
      ? spec.partitions.flatMap(({ role, mount }) => (role === 'data' && mount !== undefined ? [mount] : []))
      : [],
    ...(isLowest ? { osRelease: osReleaseVariant({ board: spec.board, version, kernel: '', rootfs: '' }) } : {}),
    files: placedFiles(content, software?.path),
    inImage: commandsInImage(pieces, layer.software),
    presets: layer.presets,
    capabilities: layer.capabilities,
    sourceDateEpoch,
  };
}

function lowestTexts(
  { spec }: BuildRequest,
  debian: DebianRequest,
  identity: UserlandParts['identity'],
): readonly RootText[] {
  return [
    { path: 'etc/fstab', text: formatFstab(fstabRows(spec, identity)) },
    { path: 'etc/hostname', text: `${spec.hostname}\n` },
    ...growthTexts(spec, debian, identity),
    ...debian.repositories.filter(isOnDevice).map(deviceSource),
  ];
}

/** Needs are named; the order stays. */
function named<Output>(nodes: readonly Node<Output>[]): Readonly<Record<string, Node<Output>>> {
  return Object.fromEntries(nodes.map((node, index) => [`layer ${index}`, node]));
}
