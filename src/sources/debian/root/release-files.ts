import type { Board } from '../../../model/board.js';

/** What a device can tell about the image it was started from. */
export type Release = {
  readonly board: Pick<Board, 'id' | 'name'>;
  /** Of reswarm-os. */
  readonly version: string;
  /** Keys of the stages whose results are in the root file system, as the image's description lists them. */
  readonly kernel: string;
  readonly rootfs: string;
};

/** Twelve digits tell two keys apart, and fit into a line. */
const KEY_DIGITS = 12;

/** /etc/reswarm-os-release: assignments that a shell can source. */
export function reswarmRelease({ board, version, kernel, rootfs }: Release): string {
  return assignments({
    BOARD: board.id,
    BOARD_NAME: board.name,
    VERSION: version,
    KERNEL_KEY: kernel.slice(0, KEY_DIGITS),
    ROOTFS_KEY: rootfs.slice(0, KEY_DIGITS),
  });
}

/**
 * What is added to Debian's os-release: the keys that os-release(5) keeps for those who make images of a distribution.
 * ID, NAME and VERSION stay Debian's.
 */
export function osReleaseVariant({ board, version }: Release): string {
  return assignments({
    VARIANT: `Reswarm OS for ${board.name}`,
    VARIANT_ID: board.id,
    IMAGE_ID: 'reswarm-os',
    IMAGE_VERSION: version,
  });
}

function assignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}="${value.replace(/["$\\`]/g, '\\$&')}"\n`)
    .join('');
}
