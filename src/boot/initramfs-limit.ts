import { UserError } from '../errors.js';
import type { Board } from '../model/board.js';
import { leastMemory } from '../model/board.js';
import { MiB, formatSize } from '../model/bytes.js';

/**
 * Where the firmware's `followkernel` puts an initramfs at the highest, with the device tree above it: below 752 MiB,
 * whatever the memory is (raspberrypi/linux#1641: "below 0x30000000", and "just below 0x30000000 causes problems, so …
 * below 0x2f000000"; raspberrypi/documentation#829: "to a high address that is safe for the platform"). It is read to
 * the place behind the kernel first and moved up from there (raspberrypi/firmware#869).
 */
const HIGHEST_BYTES = 0x2f00_0000;
/** arm64 kernels start at a multiple of it. */
const KERNEL_START_BYTES = 2 * MiB;
/** The device tree with its overlays, generously, and rounding. */
const DEVICE_TREE_BYTES = 2 * MiB;

/** What the firmware keeps for the VideoCore where config.txt does not say (config.txt, gpu_mem). */
const GPU_BYTES = { small: 64 * MiB, other: 76 * MiB } as const;

export type InitramfsSizes = {
  /** The archive's file. */
  readonly sizeBytes: number;
  /** What it becomes in memory. */
  readonly unpackedBytes: number;
  /** The kernel, unpacked. */
  readonly kernelBytes: number;
};

/** What an initramfs can have on the smallest model of a board. */
export function memoryForInitramfs(
  { models, configTxt }: Pick<Board, 'models' | 'configTxt'>,
  kernelBytes: number,
): { readonly mostArchiveBytes: number; readonly mostUnpackedBytes: number; readonly memoryBytes: number } {
  const memoryBytes = leastMemory({ models });
  const isSmall = memoryBytes < 1024 * MiB;
  const armBytes = memoryBytes - gpuBytes(configTxt, isSmall);
  const ceiling = Math.min(armBytes, HIGHEST_BYTES);
  return {
    memoryBytes,
    mostArchiveBytes: ceiling - KERNEL_START_BYTES - kernelBytes - DEVICE_TREE_BYTES,
    // The root is a tmpfs, which takes half of the memory that the kernel has, and no more.
    mostUnpackedBytes: Math.floor((armBytes - kernelBytes) / 2),
  };
}

/**
 * UserError `initramfs-too-large` for one that the firmware of a Raspberry Pi cannot place between the kernel and its
 * ceiling, or that the kernel has no room to unpack.
 */
export function initramfsTooLarge(
  board: Pick<Board, 'id' | 'models' | 'configTxt'>,
  { sizeBytes, unpackedBytes, kernelBytes }: InitramfsSizes,
): UserError | undefined {
  const { memoryBytes, mostArchiveBytes, mostUnpackedBytes } = memoryForInitramfs(board, kernelBytes);
  const on = `a ${board.id} of ${formatSize(memoryBytes)}`;
  const hints = ['Leave out what is not needed, or use filesystem: squashfs, which stays compressed in memory.'];
  if (sizeBytes > mostArchiveBytes) {
    const message =
      `The initramfs has ${formatSize(sizeBytes)} (${sizeBytes} bytes); beside its kernel the firmware of ${on} ` +
      `loads ${formatSize(mostArchiveBytes)} at most`;
    return new UserError('initramfs-too-large', message, { hints });
  }
  if (unpackedBytes <= mostUnpackedBytes) return undefined;
  const message =
    `The initramfs takes ${formatSize(unpackedBytes)} (${unpackedBytes} bytes) unpacked; the kernel of ${on} gives ` +
    `the root half of its memory, ${formatSize(mostUnpackedBytes)}`;
  return new UserError('initramfs-too-large', message, { hints });
}

/** Filters of config.txt are not followed: of several numbers the largest leaves the least. */
function gpuBytes(configTxt: Board['configTxt'], isSmall: boolean): number {
  const said = configTxt
    .flatMap(({ lines }) => lines)
    .flatMap((line) => {
      const [, suffix, value = ''] = /^gpu_mem(_512|_1024)?=(\d+)\s*$/.exec(line.trim()) ?? [];
      const fits = suffix === undefined || (suffix === '_512') === isSmall;
      return value === '' || !fits ? [] : [Number(value) * MiB];
    });
  return said.length === 0 ? GPU_BYTES[isSmall ? 'small' : 'other'] : Math.max(...said);
}
