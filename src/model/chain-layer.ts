/** How a layer may be called: a hyphen separates the layers of a chain, so a name has none. */
export const CHAIN_LAYER_NAME = /^[a-z0-9]{1,32}$/;

/** Gets what the board and the command line ask for beside the layers; it is the topmost. */
export const EXTRA_LAYER = 'extra';

/** The layer of the kernel's modules and the firmware of radios: below all others, outside their chain. */
export const KERNEL_LAYER = 'kernel';

/** Compression of the layers; the kernel has both. */
export const LAYER_COMPRESSIONS = ['zstd', 'xz'] as const;
export type LayerCompression = (typeof LAYER_COMPRESSIONS)[number];

/** File name of a layer without its suffix: the chain up to it. */
export function chainName(chain: readonly { readonly name: string }[], index: number): string {
  return chain
    .slice(0, index + 1)
    .map(({ name }) => name)
    .join('-');
}
