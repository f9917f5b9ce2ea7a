import type { DiskIdentity } from '../disk/identity.js';
import type { Host } from '../host/host.js';
import type { Node } from '../pipeline/graph.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { Runner } from '../pipeline/runner.js';
import type { LockedPackage } from '../sources/debian/packages.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { SourcePackages } from '../sources/debian/source-packages.js';
import type { FileOrigin } from '../sources/workload/file-origins.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { Tree } from '../tools/tree.js';
import type { ChainNodes } from './chain/chain.js';
import type { Surroundings } from './debian-nodes.js';
import type { HardwareNodes } from './hardware-nodes.js';
import type { AttributesOf } from './folder-attributes.js';

/** A root whose files were chosen one by one. */
export type RootOrigins = {
  readonly files: readonly FileOrigin[];
  /** Those that any of the files comes from. */
  readonly packages: readonly LockedPackage[];
};

/** What a userland builds on. */
export type UserlandParts = {
  readonly tools: Node<ToolsTree>;
  readonly packages: Node<Packages>;
  readonly hardware: HardwareNodes;
  readonly attributes: Node<AttributesOf>;
  readonly identity: DiskIdentity;
  readonly surroundings: Surroundings;
};

/** The root of an image, as nodes, and what is checked on the way. */
export type UserlandNodes = {
  readonly tree: Node<Tree>;
  /** Of a layered root. */
  readonly chain?: ChainNodes;
  /** For a root of chosen files: where each of them comes from. */
  readonly origins?: Node<RootOrigins>;
  /** Source packages that programs of the tree are compiled from. */
  readonly compiledFrom?: Node<SourcePackages>;
  /** Needed to check the seed. */
  readonly ofSeed: readonly Node<unknown>[];
  /** Where the content of the tree comes from. */
  readonly sources: readonly Node<unknown>[];
  /** Holds the seed against what the device will read it with, and wishes against what there is. Throws UserError with every problem. */
  checkInputs(runner: Runner, reporter: Reporter, host: Host): Promise<void>;
  /** Holds the content against the packages, beside whatever else is made. Throws UserError with every problem. */
  checkContent(runner: Runner): Promise<void>;
};
