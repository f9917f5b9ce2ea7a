import {
  EXT4_BLOCK_BYTES,
  EXT4_INODE_BYTES,
  EXT4_JOURNAL_BYTES,
  ext4Geometry,
  ext4MinBytes,
} from '../formats/ext4/geometry.js';
import { MiB } from '../model/bytes.js';
import type { FileSystem } from './file-system.js';
import { TREE_INSIDE } from './file-system.js';

export const ext4: FileSystem = {
  name: 'ext4',
  version: 1,
  tools: ['e2fsprogs', 'libarchive13t64'],
  partitionTypes: { mbr: '83', gpt: '0FC63DAF-8483-4772-8E79-3D69D8477DE4' },
  mount: { type: 'ext4', options: 'defaults,noatime,errors=remount-ro', isChecked: true },
  sizedByMaking: false,
  knowsItsPlace: false,
  idOf: ({ uuid }) => uuid,

  neededBytes(content, sizeBytes, headroomBytes) {
    // mke2fs gives the journal no more than half of what is free before it.
    const roomBytes = Math.max(content.bytes + headroomBytes, EXT4_JOURNAL_BYTES);
    const { overheadBytes } = ext4Geometry(sizeBytes, content.files);
    return Math.max(ext4MinBytes(content.files), roomBytes + overheadBytes);
  },

  makeCommand({ label, ids, sizeBytes, content, sourceDateEpoch }, image) {
    const { inodes } = ext4Geometry(sizeBytes, content.files);
    return {
      file: 'mke2fs',
      args: [
        '-q',
        ...['-t', 'ext4', '-d', TREE_INSIDE, '-L', label, '-U', ids.uuid],
        ...['-b', EXT4_BLOCK_BYTES.toString(), '-I', EXT4_INODE_BYTES.toString(), '-N', inodes.toString()],
        // No share for root alone: on a device of one purpose that is only lost space.
        ...['-m', '0', '-J', `size=${EXT4_JOURNAL_BYTES / MiB}`],
        // Inode tables are zeros in a new image file already; nothing is left for the device to do in the background.
        ...['-E', `hash_seed=${ids.hashSeed},lazy_itable_init=0,nodiscard,root_owner=0:0`],
        image,
        (sizeBytes / EXT4_BLOCK_BYTES).toString(),
      ],
      env: { SOURCE_DATE_EPOCH: sourceDateEpoch.toString() },
    };
  },

  async make(request, image, sandbox, host) {
    await host.runIn(sandbox, this.makeCommand(request, image));
  },

  /**
   * Blocks of zeros became holes (programs for arm64 are padded to 64 KiB), so the content takes less than its files
   * add up to: a tenth of a whole image. Only the file system itself knows how much less.
   */
  async usedContent(listed, image, sandbox, host) {
    const { stdout } = await host.runIn(sandbox, { file: 'dumpe2fs', args: ['-h', image] });
    const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(stdout)?.[1]);
    const blocks = field('Block count') - field('Free blocks') - field('Overhead clusters');
    return { ...listed, bytes: blocks * field('Block size') };
  },
};
