import type { Command } from '../model/command.js';

/** How an image file is packed; `none` is the image itself. */
export type Compression = 'none' | OutputCompression | 'bz2' | 'lzma';

/** What images are packed with here; the others are only read. */
export type OutputCompression = 'gz' | 'xz' | 'zst';

/** So many bytes from a file's beginning tell how it is packed. */
export const MAGIC_BYTES = 8;

const MAGIC: readonly { readonly compression: Compression; readonly bytes: readonly number[] }[] = [
  { compression: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { compression: 'zst', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { compression: 'gz', bytes: [0x1f, 0x8b, 0x08] },
  { compression: 'bz2', bytes: [0x42, 0x5a, 0x68] },
  // Properties as every maker of such files sets them, and a dictionary of whole 64 KiB.
  { compression: 'lzma', bytes: [0x5d, 0x00, 0x00] },
];

/** A zstd file may begin with a frame that decoders pass over, as those of pzstd do: 50 to 5F, then these. */
const SKIPPABLE_FRAME = { first: 0x50, mask: 0xf0, rest: [0x2a, 0x4d, 0x18] };

/** What we do not unpack on the way, and the program that does. */
const FOREIGN: readonly { readonly name: string; readonly bytes: readonly number[]; readonly unpack: string }[] = [
  { name: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04], unpack: 'unzip' },
  { name: '7-Zip', bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], unpack: '7z x' },
  { name: 'lz4', bytes: [0x04, 0x22, 0x4d, 0x18], unpack: 'lz4 -d' },
  // Disks of hypervisors: no packing in their own words, and the answer is the same.
  { name: 'qcow2', bytes: [0x51, 0x46, 0x49, 0xfb], unpack: 'qemu-img convert -O raw' },
  { name: 'vmdk', bytes: [0x4b, 0x44, 0x4d, 0x56], unpack: 'qemu-img convert -O raw' },
  { name: 'vhdx', bytes: [0x76, 0x68, 0x64, 0x78, 0x66, 0x69, 0x6c, 0x65], unpack: 'qemu-img convert -O raw' },
];

/** By its first bytes: a name says what somebody called it, not what it is. */
export function compressionOf(firstBytes: Uint8Array): Compression {
  const { first, mask, rest } = SKIPPABLE_FRAME;
  if (((firstBytes[0] ?? 0) & mask) === first && startsWith(firstBytes.subarray(1), rest)) return 'zst';
  return MAGIC.find(({ bytes }) => startsWith(firstBytes, bytes))?.compression ?? 'none';
}

/** A way of packing that we know and do not read; undefined for everything else. */
export function foreignPacking(firstBytes: Uint8Array): { readonly name: string; readonly unpack: string } | undefined {
  return FOREIGN.find(({ bytes }) => startsWith(firstBytes, bytes));
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** What a packed image's name ends in: `.xz`; nothing for `none`. */
export function suffixOf(compression: Compression): string {
  return compression === 'none' ? '' : `.${compression}`;
}

/** From stdin to stdout, several streams in one file one after the other, with all cores where the format allows it. */
export function decompressCommand(compression: Exclude<Compression, 'none'>): Command {
  switch (compression) {
    case 'xz':
      return { file: 'xz', args: ['--decompress', '--stdout', '--threads=0'] };
    case 'zst':
      // Without --long a frame of more than 128 MiB of window is refused; memory is taken only as a frame asks for it.
      return { file: 'zstd', args: ['--decompress', '--stdout', '--quiet', '--long=31'] };
    case 'lzma':
      return { file: 'xz', args: ['--format=lzma', '--decompress', '--stdout'] };
    case 'bz2':
      return { file: 'bzip2', args: ['--decompress', '--stdout'] };
    case 'gz':
      return { file: 'gzip', args: ['--decompress', '--stdout'] };
  }
}

/** The exit codes of such a command with which everything was unpacked. */
export function unpackedExitCodes(compression: Compression): readonly number[] {
  // 2 is a warning: something follows the last member, as OpenWrt appends its metadata, or a signature.
  return compression === 'gz' ? [0, 2] : [0];
}

const LEVELS = {
  xz: { small: '-6', quick: '-1' },
  zst: { small: '-15', quick: '-3' },
  gz: { small: '-9', quick: '-6' },
} as const;

/**
 * From stdin to stdout. The bytes do not depend on `jobs`: xz and zstd always work in their multi-threaded way, also
 * with one thread, and so does pigz, which writes neither name nor time.
 *
 * @param effort `small` for what many will download, `quick` for what one machine keeps: a few per cent more, in a
 *   tenth of the time with zstd
 */
export function compressCommand(
  compression: OutputCompression,
  jobs: number,
  effort: 'small' | 'quick' = 'small',
): Command {
  const level = LEVELS[compression][effort];
  switch (compression) {
    case 'xz':
      return { file: 'xz', args: ['--compress', '--stdout', level, `--threads=${jobs > 1 ? jobs : '+1'}`] };
    case 'zst':
      return { file: 'zstd', args: ['--compress', '--stdout', '--quiet', level, `--threads=${jobs}`] };
    case 'gz':
      // pigz is in the tools tree only; gzip is on every machine.
      if (effort === 'quick') return { file: 'gzip', args: ['--stdout', '--no-name', level] };
      return { file: 'pigz', args: ['--stdout', '--no-name', level, '--processes', `${jobs}`] };
  }
}
