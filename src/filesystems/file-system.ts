import type { Command } from '../model/command.js';
import type { PartitionIdentity, PartitionTypes } from '../model/disk.js';
import type { Sandbox } from '../model/sandbox.js';
import type { TreeContent } from '../model/tree-content.js';
import type { Host } from '../host/host.js';

/** What a file system is made from: sizes are bytes. */
export type VolumeRequest = {
  readonly label: string;
  readonly ids: PartitionIdentity;
  readonly sizeBytes: number;
  readonly content: TreeContent;
  /** Where the partition begins on the disk, for a file system that `knowsItsPlace`. */
  readonly offsetBytes?: number | undefined;
  /** Seconds since 1970: no time in it is later. */
  readonly sourceDateEpoch: number;
};

/** Where the sandbox of `make` has the tree, and the folder for the image. */
export const TREE_INSIDE = '/mnt';
export const IMAGES_INSIDE = '/media';

/** One kind of file system that a volume can have. A new one is a file like ext4.ts and a line in registry.ts. */
export interface FileSystem {
  readonly name: string;
  /** Raise it when `make` writes other bytes for the same request. */
  readonly version: number;
  /** Packages of the tools tree that shape its bytes. */
  readonly tools: readonly string[];
  readonly partitionTypes: PartitionTypes;
  /** Its name and options in fstab, and whether there is an fsck for it; `readOnly` volumes get `ro` behind the options. */
  readonly mount: { readonly type: string; readonly options: string; readonly isChecked: boolean };
  /** Its bytes say where it begins on the disk: it can only be made when every size before it is known. */
  readonly knowsItsPlace: boolean;
  /**
   * Nobody knows before it is made what it takes: it is compressed. `make` decides the length of the file then, and
   * `neededBytes` gets that as the content.
   */
  readonly sizedByMaking: boolean;
  /** The volume's id as descriptions show it. */
  idOf(ids: PartitionIdentity): string;
  /** Bytes that a volume of this size must have for its content and so much free space beside; grows with the size. */
  neededBytes(content: TreeContent, sizeBytes: number, headroomBytes: number): number;
  /** The command that makes it, for plans and for `make`. */
  makeCommand(request: VolumeRequest, image: string): Command;
  /** Makes it in `image`, a path inside the sandbox of a file that is one hole, of the right size if that is known. */
  make(request: VolumeRequest, image: string, sandbox: Sandbox, host: Host): Promise<void>;
  /** What the content takes, where the file system knows better than a sum of file sizes. */
  usedContent?(listed: TreeContent, image: string, sandbox: Sandbox, host: Host): Promise<TreeContent>;
}
