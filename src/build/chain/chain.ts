import type { LayerImage } from '../../filesystems/layer-image.js';
import type { Node } from '../../pipeline/graph.js';
import type { ChainLayerTree } from '../../sources/debian/chain/layer-files.js';
import type { Rootfs } from '../../sources/debian/rootfs/rootfs.js';

/** A layer of the chain, from its tree to the file that the device mounts. */
export type ChainLayerNodes = {
  readonly name: string;
  /** Of its file: `base-docker-app.sqfs`. */
  readonly file: string;
  readonly isLoose: boolean;
  readonly tree: Node<ChainLayerTree>;
  readonly image: Node<LayerImage>;
};

export type ChainNodes = {
  /** The kernel's modules and the firmware of radios: below all others. */
  readonly kernel: ChainLayerNodes;
  /** From the bottom to the top. */
  readonly layers: readonly ChainLayerNodes[];
  readonly sources: readonly Node<unknown>[];
  /** All trees, once they have been held against each other. Throws UserError `overlay-type-differs`. */
  readonly checked: Node<readonly ChainLayerTree[]>;
  readonly rootfs: Node<Rootfs>;
};
