import type { FileSystemFormat } from '../file-system/file-system.js';
import { DamagedFileSystem } from '../file-system/file-system.js';
import type { FatVolume } from './boot-sector.js';
import { BOOT_SECTOR_BYTES, parseBootSector } from './boot-sector.js';
import { readFat } from './reader.js';
import { fatUsedRanges } from './used-ranges.js';
import type { ReadAt } from '../../model/read-at.js';

/** FAT12, FAT16 and FAT32. */
export const FAT: FileSystemFormat = {
  claims: (start) => parseBootSector(start.subarray(0, BOOT_SECTOR_BYTES))?.kind,
  async open(read, sizeBytes) {
    return readFat(read, await volumeOf(read, sizeBytes), sizeBytes);
  },
  async usedRanges(read, sizeBytes) {
    return fatUsedRanges(read, await volumeOf(read, sizeBytes), sizeBytes);
  },
};

async function volumeOf(read: ReadAt, sizeBytes: number): Promise<FatVolume> {
  const volume = parseBootSector(await read(0, BOOT_SECTOR_BYTES));
  if (volume === undefined) throw new DamagedFileSystem('its boot sector has changed');
  if (volume.sizeBytes > sizeBytes) {
    throw new DamagedFileSystem(`it says that it has ${volume.sizeBytes} bytes, its partition has ${sizeBytes}`);
  }
  return volume;
}
