import { bootFileOf } from '../../boot/boot-tree.js';
import type { BootFile } from '../../boot/boot-tree.js';
import type { DiskIdentity } from '../../disk/identity.js';
import { UserError } from '../../errors.js';
import { vfat } from '../../filesystems/vfat.js';
import type { LayerImage } from '../../filesystems/layer-image.js';
import { CMDLINE_LIMIT } from '../../formats/command-line.js';
import type { LayersRoot } from '../../model/image-spec.js';
import { CONTAINER_DATA } from '../../model/container-engine.js';
import type { ImageSpec } from '../../model/image-spec.js';
import { NO_ENGINE } from '../../model/image-spec.js';
import type { TreeContent } from '../../model/tree-content.js';
import type { Node } from '../../pipeline/graph.js';
import { valueNode } from '../../pipeline/graph.js';
import { contentOf, mergedTree } from '../../sources/debian/chain/layer-files.js';
import type { EarlyFile } from '../../sources/initramfs/early-user-space.js';
import type { BuildRequest } from '../build-request.js';
import type { ChainNodes } from './chain.js';

/** A layer's file, what is in it and what it must hash to. */
export type LayerFile = {
  readonly name: string;
  readonly file: string;
  readonly isLoose: boolean;
  readonly image: LayerImage;
};

/** What the layers are to the rest of an image. */
export type LayeredFilesNodes = {
  /** From the bottom to the top: the kernel's first. */
  readonly files: Node<readonly LayerFile[]>;
  /** Of the early user space: the digests that it checks. */
  readonly early: Node<readonly EarlyFile[]>;
  /** Of the boot partition; none where the layers come from elsewhere. */
  readonly boot: Node<readonly BootFile[]>;
  /** Of all layers, as the device sees them. */
  readonly content: Node<TreeContent>;
};

/** Where the layers are on the boot partition, and in a folder for the network. */
export const LAYERS_FOLDER = 'layers';
const LAYERS_JSON = 'layers.json';

export function layeredFilesNodes(request: BuildRequest, chain: ChainNodes): LayeredFilesNodes {
  const { spec } = request;
  const all = [chain.kernel, ...chain.layers];
  const images = Object.fromEntries(all.map(({ file, image }) => [file, image]));
  const made = valueNode<Readonly<Record<string, LayerImage>>, typeof images>(images, (results) => results);
  const files = valueNode({ made, checked: chain.checked }, ({ made: byFile }): readonly LayerFile[] =>
    all.flatMap(({ name, file, isLoose }) => {
      const image = byFile[file];
      return image === undefined ? [] : [{ name, file, isLoose, image }];
    }),
  );
  const { root } = spec;
  const isOnCard = root.kind === 'layers' && root.from === 'card';
  return {
    files,
    early: valueNode({ files }, ({ files: listed }): readonly EarlyFile[] => [
      { path: 'usr/lib/early/layers-list', text: listed.map(listLine).join('') },
      { path: 'usr/lib/early/layers-settings', text: settingsText(request) },
    ]),
    boot: valueNode({ files }, ({ files: listed }): readonly BootFile[] =>
      isOnCard
        ? [
            ...listed.map(({ file, image }) => bootFileOf(`${LAYERS_FOLDER}/${file}`, image.path, image.key)),
            { name: `${LAYERS_FOLDER}/${LAYERS_JSON}`, text: layersJson(listed) },
          ]
        : [],
    ),
    content: valueNode({ checked: chain.checked }, async ({ checked }) => contentOf(await mergedTree(checked))),
  };
}

function listLine({ file, image: { sha256, sizeBytes } }: LayerFile): string {
  return `${sha256} ${sizeBytes} ${file}\n`;
}

/** What others read of a chain: `layers list`, `layers check` and servers of images. */
export function layersJson(files: readonly LayerFile[]): string {
  const layers = files.map(({ name, file, isLoose, image: { sizeBytes, sha256 } }) => {
    return { name, file, sizeBytes, sha256, loose: isLoose };
  });
  return `${JSON.stringify({ layers }, undefined, 2)}\n`;
}

/** For a shell. */
function settingsText({ userland }: BuildRequest): string {
  const engine = userland.from === 'debian' && userland.root.layers.find((one) => one.engine !== undefined)?.engine;
  const folders = engine === false || engine === undefined || engine === NO_ENGINE ? [] : CONTAINER_DATA;
  return `boot_options='${vfat.mount.options}'\ndata_folders='${folders.join(' ')}'\n`;
}

/**
 * What the kernel command line says of a layered root. Partitions are named there only: the line is what changes when a
 * disk gets another id. Throws UserError `command-line-too-long`.
 */
export function layerWords(
  { partitions, board }: ImageSpec,
  { chain, from, ram, changes }: LayersRoot,
  identity: DiskIdentity,
): readonly string[] {
  const boot = partitions.find(({ role }) => role === 'boot');
  if (boot === undefined) throw new TypeError('the disk has no boot partition');
  const named = (partition: string): string => `PARTUUID=${identity.partition(partition).partUuid}`;
  const words = [
    `layers=${chain.map(({ name }) => name).join('-')}`,
    ...(from === 'card'
      ? [`layers.from=${named(boot.name)}:/${LAYERS_FOLDER}`]
      : [`layers.from=${from}`, `layers.boot=${named(boot.name)}`]),
    ...(ram ? ['layers.ram'] : []),
    ...(changes === undefined ? [] : [`layers.changes=${named(changes)}`]),
  ];
  const bytes = [...board.consoles.map((one) => `console=${one}`), ...words, ...board.cmdline].join(' ').length;
  if (bytes <= CMDLINE_LIMIT) return words;
  const message = `the kernel command line would have ${bytes} characters, and ${CMDLINE_LIMIT} are read`;
  throw new UserError('command-line-too-long', message, {
    hints: ['Give the layers shorter names, or fewer words to the board.'],
  });
}
