import type { LicencesFound } from '../../formats/debian-licences.js';

export const COMPONENT_KINDS = ['package', 'source', 'kernel', 'firmware', 'application', 'container', 'data'] as const;
export type ComponentKind = (typeof COMPONENT_KINDS)[number];

/** A file whose digest is known: what the component came in. */
export type ComponentFile = { readonly name: string; readonly sha256?: string; readonly sizeBytes?: number };

/** One thing that an image is made of. */
export type Component = {
  /** The same for the same thing; unique in one image. */
  readonly id: string;
  readonly kind: ComponentKind;
  readonly name: string;
  readonly version?: string;
  readonly architecture?: string;
  readonly purl?: string;
  readonly summary?: string;
  readonly supplier?: string;
  readonly homepage?: string;
  readonly licences?: LicencesFound;
  readonly file?: ComponentFile;
  /** Id of the source package that it was made from. */
  readonly source?: string;
  /** Ids of source packages whose code was compiled into it: static libraries, Go modules. */
  readonly builtUsing?: readonly string[];
  /** Patches and settings that it was made with. */
  readonly madeWith?: readonly {
    readonly kind: 'patch' | 'configuration';
    readonly name: string;
    readonly sha256: string;
  }[];
  /** Ids of components that it needs. */
  readonly dependsOn: readonly string[];
};

/** The image itself, and all that is in it. */
export type BillOfMaterials = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256?: string;
  readonly fileName?: string;
  /** When it was made: the newest time of a file in it, so that equal images have equal bills. ISO 8601, UTC. */
  readonly timestamp: string;
  readonly toolVersion: string;
  readonly creator?: Creator;
  /** Sorted by their ids. */
  readonly components: readonly Component[];
};

/** Who publishes the image. */
export type Creator = { readonly name: string; readonly contact?: string };
