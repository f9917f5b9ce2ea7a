import { formatSize } from '../model/bytes.js';
import { IntegrityError, ReswarmError, UserError } from '../errors.js';

/**
 * Why a path could not be opened as an image: `image-not-found`, `image-not-readable`, and `image-not-writable` where
 * `access` is `write`. An error of ours passes through.
 */
export function cannotOpen(path: string, access: 'read' | 'write', cause: unknown): Error {
  if (cause instanceof ReswarmError) return cause;
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new UserError('image-not-found', `There is no image at ${path}`, { cause });
  if (access === 'write' && (code === 'EACCES' || code === 'EROFS' || code === 'ETXTBSY' || code === 'EPERM')) {
    return new UserError('image-not-writable', `${path} cannot be written to (${code})`, {
      hints: ['Look at its permissions, or make a copy of it.'],
      cause,
    });
  }
  return new UserError('image-not-readable', `${path} cannot be read (${code})`, { cause });
}

export function noOrdinaryFile(path: string, what: 'a folder' | 'a drive' | 'no ordinary file'): UserError {
  return new UserError('not-an-image', `${path} is ${what}, and not an image file`);
}

/** @param name of the image, or what is in it */
export function noPartitionTable(name: string): UserError {
  return new UserError('not-an-image', `${name} is not a disk image: it has no partition table`, {
    hints: ['`reswarm-os build` makes one.'],
  });
}

export function noBootPartition(name: string): UserError {
  return new UserError('no-boot-partition', `${name} has no FAT partition to boot from`, {
    hints: ['A Raspberry Pi starts from a FAT partition.'],
  });
}

/** @param hint where there is a way to go on nevertheless */
export function imageTruncated(
  name: string,
  { sizeBytes, neededBytes }: { readonly sizeBytes: number; readonly neededBytes: number },
  hint = '',
): IntegrityError {
  const [needed, found] = [neededBytes, sizeBytes].map((bytes) => `${formatSize(bytes)} (${bytes} bytes)`);
  return new IntegrityError(
    'image-truncated',
    `${name} ends too early: its partitions or its block map need ${needed ?? ''}, it has ${found ?? ''}`,
    { hints: [`Was it copied or downloaded to its end?${hint === '' ? '' : ` ${hint}`}`] },
  );
}

/** @param packing "xz" */
export function imagePacked(path: string, packing: string): UserError {
  return new UserError('image-compressed', `${path} is compressed (${packing}) and cannot be changed in place`, {
    hints: [`Name a new image for the result: --output device.img (or device.img.${packing}).`],
  });
}

export function unknownPacking(path: string, packing: { readonly name: string; readonly unpack: string }): UserError {
  return new UserError('image-compression-unknown', `${path} is packed as ${packing.name}, which is not read here`, {
    hints: [`Unpack it first: ${packing.unpack} ${path}${packing.unpack.startsWith('qemu-img') ? ' disk.img' : ''}`],
  });
}

/** A seed that is written into one would never be read: the device takes that of the disc's own files. */
export function discSeedFixed(name: string): UserError {
  return new UserError('disc-seed-fixed', `${name} is a disc (ISO): its seed was fixed when it was built`, {
    hints: ['Give the seed to the build (--user-data, --hostname, --ssh-key), or build an image: --output NAME.img'],
  });
}
