import type { ImageSpec, Slot } from '../model/image-spec.js';
import type { Made } from '../pipeline/stage.js';
import type { BootFile } from './boot-tree.js';

/** What a boot method puts on the boot partition beside texts of its own. */
export type BootParts = {
  readonly kernel: {
    readonly key: string;
    readonly image: string;
    readonly imageGz: string;
    /** Folder of all device trees of the family. */
    readonly deviceTrees: string;
  };
  /** Undefined for a board without boot firmware on the card. */
  readonly firmware: (Made & { readonly files: readonly string[] }) | undefined;
  /** Compiled device tree overlays, by their names. */
  readonly overlays: Made;
  /** GRUB, where it starts the board. */
  readonly loader?: { readonly key: string; readonly efiProgram: string } | undefined;
};

/** A root on a partition, as the kernel is told about it. */
export type RootOnDisk = { readonly partUuid: string; readonly fsType: string; readonly slot?: Slot };

/** A root that the boot loader puts into memory: its file, what stands for its bytes, and its name on the boot partition. */
export type RootArchive = { readonly key: string; readonly path: string; readonly name: string };

/** A root that an early user space finds: its archive, and what that reads on the kernel command line. */
export type RootFound = { readonly archive: RootArchive; readonly words: readonly string[]; readonly slot?: Slot };

export type BootedRoot = RootOnDisk | RootArchive | RootFound;

/** The slot that a root belongs to, where a system has two. */
export function slotOf(root: BootedRoot): Slot | undefined {
  return 'slot' in root ? root.slot : undefined;
}

/** What the boot loader puts into memory beside the kernel; undefined: nothing. */
export function archiveOf(root: BootedRoot): RootArchive | undefined {
  if ('archive' in root) return root.archive;
  return 'path' in root ? root : undefined;
}

/**
 * What the kernel command line says of the root. One on a partition is named by PARTUUID: the order in which SD
 * controllers appear is not fixed. An archive needs no word: the kernel runs its /init.
 */
export function wordsOf(root: BootedRoot): readonly string[] {
  if ('words' in root) return root.words;
  if ('path' in root) return [];
  return [`root=PARTUUID=${root.partUuid}`, `rootfstype=${root.fsType}`, 'rootwait'];
}

/** How a machine comes from power-on to the kernel. */
export interface BootMethod {
  /** Everything that it needs on the boot partition. */
  files(spec: Pick<ImageSpec, 'board'>, parts: BootParts, root: BootedRoot): readonly BootFile[];
}
