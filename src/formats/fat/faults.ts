import { UserError } from '../../errors.js';
import { DamagedFileSystem } from '../file-system/file-system.js';

/** A place behind the end of the disk: something in the FAT points there. */
export async function insideDisk<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw error instanceof RangeError ? new DamagedFileSystem(error.message) : error;
  }
}

/** What is damaged as an error of the boot partition: UserError `boot-partition-damaged`. */
export async function withPlainFaults<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof DamagedFileSystem)) throw error;
    throw new UserError('boot-partition-damaged', `The boot partition is damaged: ${error.message}`, {
      hints: ['`fsck.fat -n` on the partition says more. Write the image again.'],
      cause: error,
    });
  }
}

export function noFat(): UserError {
  return new UserError('boot-partition-not-fat32', 'The boot partition holds no FAT that can be edited', {
    hints: ['Is this the image of a Raspberry Pi? `blkid -p` and `fsck.fat -n` on the partition say more.'],
  });
}

export function rootFull(name: string, entries: number): UserError {
  const message = `${name} does not fit into the boot partition: its root folder has room for ${entries} entries (FAT12, FAT16)`;
  return new UserError('boot-partition-full', message, {
    hints: ['Put it into a folder, or make the partition FAT32.'],
  });
}
