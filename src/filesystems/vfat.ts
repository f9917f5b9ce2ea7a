import { FAT32_MIN_BYTES, fat32ContentBytes, fat32Geometry, isFat32 } from '../formats/fat/geometry.js';
import type { FileSystem } from './file-system.js';
import { TREE_INSIDE } from './file-system.js';

const SECTOR_BYTES = 512;

/** FAT32, which the firmware of the Raspberry Pi and of PCs reads. */
export const vfat: FileSystem = {
  name: 'vfat',
  version: 1,
  tools: ['dosfstools', 'mtools'],
  // W95 FAT32 (LBA), which the boot ROM looks for; the EFI system partition.
  partitionTypes: { mbr: 'c', gpt: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' },
  // It may hold seeds with password hashes and wifi keys, so only root may read it; `nofail`, because a device with a
  // damaged FAT has already found its kernel and should still be reachable.
  mount: { type: 'vfat', options: 'defaults,noatime,flush,umask=0077,nofail', isChecked: true },
  sizedByMaking: false,
  knowsItsPlace: true,
  idOf: ({ fatSerial }) => fatSerial,

  neededBytes(content, sizeBytes, headroomBytes) {
    const { clusterBytes, overheadBytes } = fat32Geometry(sizeBytes);
    const needed = fat32ContentBytes(content, clusterBytes) + overheadBytes + headroomBytes;
    return isFat32(sizeBytes) ? needed : Math.max(FAT32_MIN_BYTES, needed);
  },

  makeCommand({ label, ids, sizeBytes, offsetBytes = 0 }, image) {
    const sectorsPerCluster = fat32Geometry(sizeBytes).clusterBytes / SECTOR_BYTES;
    return {
      file: 'mkfs.fat',
      args: [
        // Fixed times. It also sets a serial number of its own, so it stands before ours.
        '--invariant',
        ...['-F', '32', '-S', SECTOR_BYTES.toString(), '-s', sectorsPerCluster.toString(), '-R', '32', '-f', '2'],
        // Clusters start where the content says they do, not where mkfs.fat would like them: the size was planned for it.
        ...['-a', '-h', (offsetBytes / SECTOR_BYTES).toString()],
        ...['-n', label, '-i', ids.fatSerial],
        image,
      ],
    };
  },

  async make(request, image, sandbox, host) {
    const env = { SOURCE_DATE_EPOCH: request.sourceDateEpoch.toString() };
    await host.runIn(sandbox, { ...this.makeCommand(request, image), env });
    // Sorted: the order of a FAT's directory entries is the order of copying.
    const { stdout } = await host.runIn(sandbox, {
      file: 'find',
      args: [TREE_INSIDE, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n'],
    });
    const names = stdout.split('\n').filter((name) => name !== '');
    if (names.length === 0) return;
    await host.runIn(
      { ...sandbox, cwd: TREE_INSIDE },
      {
        file: 'mcopy',
        // -s: folders too, -p -m: keep mode and time, -Q: stop at the first failure
        args: ['-spmQ', '-i', image, ...names.toSorted(), '::/'],
        env: { ...env, MTOOLS_SKIP_CHECK: '1' },
      },
    );
  },
};
