import type { Architecture } from '../model/architecture.js';
import { KiB, MiB, alignUp } from '../model/bytes.js';
import type { Command } from '../model/command.js';
import type { RootCompression } from '../model/initramfs.js';
import { XZ_FILTERS } from '../model/initramfs.js';

type ArchiveCompression = {
  readonly compression: Exclude<RootCompression, 'none'>;
  /** Of what is compressed. */
  readonly contentBytes: number;
  /** Of the programs in it. */
  readonly architecture: Architecture;
};

/**
 * Compresses an archive for the kernel, which reads less than xz and zstd write; to stdout. The bytes do not depend on
 * `jobs`.
 *
 * @param archive a path inside the sandbox
 */
export function compressRootCommand(archive: string, options: ArchiveCompression, jobs: number): Command {
  switch (options.compression) {
    case 'zstd':
      // From a file, not from stdin: zstd knows the size then, and the window, which the kernel needs in memory, is no
      // larger. The checksum (four bytes) stays: by it the kernel tells that an archive is damaged.
      return { file: 'zstd', args: ['-19', `--threads=${jobs}`, '--quiet', '--stdout', archive] };
    case 'xz':
      return { file: 'xz', args: [...xzOptions(options), archive] };
  }
}

const LARGEST_DICTIONARY_BYTES = 16 * MiB;

/**
 * The kernel knows no checksum but CRC32, and takes memory for the whole dictionary: one of 64 MiB for a small archive is
 * a device of 32 MiB that finds no root. In one thread, so that it is one block.
 */
function xzOptions({ contentBytes, architecture }: ArchiveCompression): readonly string[] {
  const dictionary = Math.min(LARGEST_DICTIONARY_BYTES, Math.max(64 * KiB, alignUp(contentBytes, 64 * KiB)));
  const filter = XZ_FILTERS[architecture];
  return ['--stdout', '--threads=1', '--check=crc32', `--${filter}`, `--lzma2=preset=9e,dict=${dictionary}`];
}
