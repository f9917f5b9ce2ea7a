import type { Disk } from '../model/disk.js';
import type { TreeContent } from '../model/tree-content.js';
import type { WrittenDisk } from '../outputs/disk.js';
import type { WrittenFolder } from '../outputs/network-folder.js';
import type { Node, Pending } from '../pipeline/graph.js';

/** What differs between a disk, a disc and a folder for network boot. */
export type WrittenNodes = {
  readonly rootContent: Node<TreeContent>;
  /** Places and sizes of all partitions. */
  readonly layout: Node<Disk> | undefined;
  /** What is made for each build, because it carries the seed. */
  readonly steps: readonly Node<Pending<unknown>>[];
  /** What only this kind of output is made from. */
  readonly sources?: readonly Node<unknown>[];
  readonly disk: Node<Pending<WrittenDisk | WrittenFolder>>;
};
