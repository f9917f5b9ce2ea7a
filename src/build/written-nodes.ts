import type { Disk } from '../model/disk.js';
import type { TreeContent } from '../model/tree-content.js';
import type { WrittenDisk } from '../outputs/disk.js';
import type { Node, Pending } from '../pipeline/graph.js';

/** What differs between a disk and a disc. */
export type WrittenNodes = {
  readonly rootContent: Node<TreeContent>;
  /** Places and sizes of all partitions. */
  readonly layout: Node<Disk> | undefined;
  /** What is made for each build, because it carries the seed. */
  readonly steps: readonly Node<Pending<unknown>>[];
  readonly disk: Node<Pending<WrittenDisk>>;
};
