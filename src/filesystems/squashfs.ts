import type { Architecture } from '../model/architecture.js';
import { KiB, MiB } from '../model/bytes.js';
import type { Command } from '../model/command.js';
import type { RootCompression } from '../model/initramfs.js';
import { XZ_FILTERS } from '../model/initramfs.js';
import type { FileSystem } from './file-system.js';
import { TREE_INSIDE } from './file-system.js';

/** What decides the bytes of a squashfs beside its tree. */
export type SquashfsOptions = {
  readonly compression: RootCompression;
  /** Power of two from 128 KiB to 1 MiB: larger ones compress better, and cost more memory for each read. */
  readonly blockBytes: number;
  /** Of the programs in it: xz compresses those of amd64 better with a filter. */
  readonly architecture?: Architecture;
  /** Seconds since 1970: no time in it is later. */
  readonly sourceDateEpoch: number;
};

export const SQUASHFS_BLOCK_BYTES = { least: 128 * KiB, most: MiB } as const;

/** What mksquashfs 4.6 has; it has none for arm64. */
const FILTERS_OF_MKSQUASHFS: readonly string[] = ['x86'];

const COMPRESSORS: Readonly<Record<RootCompression, (options: SquashfsOptions) => readonly string[]>> = {
  zstd: () => ['-comp', 'zstd', '-Xcompression-level', '22'],
  xz: ({ architecture }) => {
    const filter = architecture === undefined ? '' : XZ_FILTERS[architecture];
    return ['-comp', 'xz', ...(FILTERS_OF_MKSQUASHFS.includes(filter) ? ['-Xbcj', filter] : [])];
  },
  none: () => ['-no-compression'],
};

/**
 * Makes a squashfs of the tree at TREE_INSIDE. Owners, modes and hard links are the tree's; of extended attributes file
 * capabilities are kept.
 *
 * @param image a path inside the sandbox
 * @param jobs threads; the bytes do not depend on it. Default: one for each processor.
 */
export function squashfsCommand(image: string, options: SquashfsOptions, jobs?: number): Command {
  return {
    file: 'mksquashfs',
    args: [
      ...[TREE_INSIDE, image, '-noappend', '-quiet', '-no-progress'],
      ...COMPRESSORS[options.compression](options),
      ...['-b', options.blockBytes.toString()],
      ...(jobs === undefined ? [] : ['-processors', jobs.toString()]),
      ...['-xattrs-include', '^security\\.capability$'],
    ],
    env: { SOURCE_DATE_EPOCH: options.sourceDateEpoch.toString() },
  };
}

/** A compressed file system that nobody can write to: data that comes with the image and stays as it is. */
export const squashfs: FileSystem = {
  name: 'squashfs',
  version: 1,
  tools: ['squashfs-tools'],
  partitionTypes: { mbr: '83', gpt: '0FC63DAF-8483-4772-8E79-3D69D8477DE4' },
  mount: { type: 'squashfs', options: 'ro', isChecked: false },
  knowsItsPlace: false,
  sizedByMaking: true,
  // It has none: the partition's own id is all that there is.
  idOf: ({ partUuid }) => partUuid,

  neededBytes(content, _sizeBytes, headroomBytes) {
    return content.bytes + headroomBytes;
  },

  makeCommand({ sourceDateEpoch }, image) {
    return squashfsCommand(image, { compression: 'zstd', blockBytes: 256 * KiB, sourceDateEpoch });
  },

  async make(request, image, sandbox, host) {
    await host.runIn(sandbox, this.makeCommand(request, image));
  },
};
