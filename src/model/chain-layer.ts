import type { ContainerImageFile, Layer } from './image-spec.js';
import type { PackageFile } from './packages.js';
import type { Software } from './software.js';

/** How a layer may be called: a hyphen separates the layers of a chain, so a name has none. */
export const CHAIN_LAYER_NAME = /^[a-z0-9]{1,32}$/;

/** Gets what the board and the command line ask for beside the layers; it is the topmost. */
export const EXTRA_LAYER = 'extra';

/** The layer of the kernel's modules and the firmware of radios: below all others, outside their chain. */
export const KERNEL_LAYER = 'kernel';

/** One of the squashfs images that a layered root is mounted from, and what it adds to those below it. */
export type ChainLayer = {
  readonly name: string;
  /** Pieces of the project (`layers/<name>`) that no layer below has. */
  readonly pieces: readonly Layer[];
  /** Debian packages beside those of the pieces, as words for apt. */
  readonly packages: readonly string[];
  readonly packageFiles: readonly PackageFile[];
  /** Folders of the user, absolute, copied over the pieces in this order. */
  readonly overlays: readonly string[];
  readonly containerImages: readonly ContainerImageFile[];
  readonly software: readonly Software[];
};

/** Compression of the layers; the kernel has both. */
export const LAYER_COMPRESSIONS = ['zstd', 'xz'] as const;
export type LayerCompression = (typeof LAYER_COMPRESSIONS)[number];

/** A root of read-only layers under one overlay, which an own initramfs mounts. */
export type LayersRoot = {
  readonly kind: 'layers';
  /** Key of `trees`: all layers together. */
  readonly tree: string;
  /** From the bottom to the top. */
  readonly chain: readonly ChainLayer[];
  readonly filesystem: 'squashfs';
  readonly compression: LayerCompression;
  /** `card`: the boot partition; otherwise what `layers.from=` of the kernel command line takes. */
  readonly from: string;
  /** All layers are copied to memory before they are mounted. */
  readonly ram: boolean;
  /** Where changes are kept: name of a partition; undefined: memory. */
  readonly changes?: string;
};

/** File name of a layer without its suffix: the chain up to it. */
export function chainName(chain: readonly Pick<ChainLayer, 'name'>[], index: number): string {
  return chain
    .slice(0, index + 1)
    .map(({ name }) => name)
    .join('-');
}
