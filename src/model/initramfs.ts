import type { Architecture } from './architecture.js';

/**
 * What the archive of a small system holds: `initramfs`: the files of the root; `squashfs`: one squashfs of them and a
 * small /init that mounts it, so that memory holds the root in compressed form.
 */
export const INITRAMFS_FILE_SYSTEMS = ['initramfs', 'squashfs'] as const;
export type InitramfsFileSystem = (typeof INITRAMFS_FILE_SYSTEMS)[number];

/** How the files of a root are compressed. The kernel needs RD_ZSTD or RD_XZ for it, or squashfs's own options. */
export const ROOT_COMPRESSIONS = ['zstd', 'xz', 'none'] as const;
export type RootCompression = (typeof ROOT_COMPRESSIONS)[number];

/** The squashfs in the archive, as `/init` knows it. */
export const SQUASHFS_IN_INITRAMFS = 'root.squashfs';

const SUFFIXES: Readonly<Record<RootCompression, string>> = { zstd: '.zst', xz: '.xz', none: '.img' };

/** The archive's name on the boot partition. Around a squashfs, which is compressed itself, the archive is not. */
export function initramfsName(filesystem: InitramfsFileSystem, compression: RootCompression): string {
  return `initramfs${SUFFIXES[filesystem === 'squashfs' ? 'none' : compression]}`;
}

/** xz's filter that makes jump targets of programs absolute (BCJ): equal calls become equal bytes. */
export const XZ_FILTERS: Readonly<Record<Architecture, string>> = { amd64: 'x86', arm64: 'arm64' };

/** A file of a root and what it takes unpacked. The further names of a file with hard links take nothing. */
export type RootFile = { readonly path: string; readonly sizeBytes: number };
