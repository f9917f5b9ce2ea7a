import type { PinnedPackageFile } from '../../model/packages.js';

/** One .deb of the archive, pinned by what the signed package lists say of it. */
export type LockedPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Path below the mirror's root ("pool/main/…"): no host name, so that a lock does not depend on the mirror. */
  readonly filename: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** A file of the user's instead of the archive's; `filename` is its name only. */
  readonly local?: true;
};

/**
 * What apt resolved for one image: written once, then used until a refresh is asked for, so that the
 * same inputs keep giving the same bytes.
 */
export type PackageLock = {
  readonly suite: string;
  /** Architecture of the image. */
  readonly architecture: string;
  /** Installed into the image, dependencies included. */
  readonly install: readonly LockedPackage[];
  /** Names of the essential packages and what they need: these go into the empty root first. */
  readonly essential: readonly string[];
  /** Same versions for the host's architecture: their programs speed up maintainer scripts. Empty where host and image agree. */
  readonly twins: readonly LockedPackage[];
  /** Only unpacked at build time: kernel source, boot firmware, wifi firmware. */
  readonly fetched: readonly LockedPackage[];
  /** Name of Debian's own kernel among those, where it was asked for. */
  readonly kernelImage?: string;
};

/** A locked package and where it comes from: the sources.list of the archives that have it, or the user's files. */
export type SourceDeb = LockedPackage & {
  readonly sources: string;
  readonly packageFiles?: readonly PinnedPackageFile[];
};

/** A locked package whose verified bytes are at `path` on this machine. */
export type DebFile = LockedPackage & { readonly path: string };
