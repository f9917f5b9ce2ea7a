import { ext4 } from './ext4.js';
import type { FileSystem } from './file-system.js';
import { squashfs } from './squashfs.js';
import { vfat } from './vfat.js';

/** Every file system that a volume can have. */
const FILE_SYSTEMS: readonly FileSystem[] = [vfat, ext4, squashfs];

/** Throws TypeError for a name that the configuration should have refused. */
export function fileSystem(name: string): FileSystem {
  const found = FILE_SYSTEMS.find((one) => one.name === name);
  if (found === undefined) throw new TypeError(`no file system is called ${name}`);
  return found;
}
