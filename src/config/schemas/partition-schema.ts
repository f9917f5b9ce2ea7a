import * as z from 'zod';
import { FILE_SYSTEM_NAMES, PARTITION_ROLES, SLOTS, TABLE_TYPES } from '../../model/image-spec.js';
import { autoOrSize, size, sizeOrShare } from '../size-schema.js';
import { EXT4_LABEL, FAT_LABEL } from './volume-label.js';

const text = z.string().min(1, { error: 'must not be empty' });

const START = 'Where the partition begins on the drive. "auto": the first aligned place after the one before it.';
const SIZE = 'Fixed size, or "auto": content, what the file system itself needs, and the headroom, rounded up.';

/** One partition as one file says it: what it leaves out comes from the files below it, or from its role. */
export const partitionEntry = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,15}$/, {
      error: 'must be small letters, digits and -, at most 16, and begin with a letter',
    })
    .describe('Name of the partition. Entries of one name are merged; a new name is appended.'),
  role: z
    .enum(PARTITION_ROLES)
    .optional()
    .describe(
      'boot: firmware, kernel and seeds; root: the system; data: anything else. There is one boot and one root, or with a selector, which says what is started, two of each.',
    ),
  fs: z
    .enum(FILE_SYSTEM_NAMES)
    .optional()
    .describe(
      'File system. By default vfat for boot, ext4 for root and data; squashfs holds data that is never written to.',
    ),
  tree: z
    .enum(['boot', 'debian', 'selector'])
    .optional()
    .describe('Where the content comes from. By default boot for the boot partition, debian for root.'),
  files: z
    .array(text)
    .optional()
    .describe('Folders that are copied into a data partition, in this order; paths from this file.'),
  label: text
    .optional()
    .describe(
      'Volume label: 11 capital letters, digits, `_`, `-` of vfat, 16 characters of ext4. A squashfs has none.',
    ),
  start: autoOrSize.optional().meta({ default: 'auto' }).describe(START),
  size: autoOrSize.optional().meta({ default: 'auto' }).describe(SIZE),
  headroom: sizeOrShare
    .optional()
    .describe(
      'Free space beside the content, or a share of it: 30%. By default 8M for boot, 16M for root, 30% for those of a slot, 0M for data.',
    ),
  slot: z
    .enum(SLOTS)
    .optional()
    .describe('Beside a selector: the system that this boot or root partition belongs to. b is empty until an update.'),
  mount: text
    .optional()
    .describe('Where the device mounts it. By default /boot for boot, / for root; data is not mounted.'),
  readOnly: z.boolean().optional().meta({ default: false }).describe('Mounted so that nothing can be written.'),
  grow: z
    .boolean()
    .optional()
    .describe(
      'Takes what is left of the drive on the first boot. By default root does, unless another partition does.',
    ),
  logical: z
    .boolean()
    .optional()
    .meta({ default: false })
    .describe('In the extended partition of an MBR, which has room for more than four.'),
});

export type PartitionEntry = z.output<typeof partitionEntry>;

export const partitionList = z
  .array(partitionEntry)
  .describe('Partitions in the order of their numbers. Entries are merged by name, new names are appended.');

export const tableType = z.enum(TABLE_TYPES).describe('Type of the partition table.');

export const alignment = size.describe(
  'Starts and sizes are multiples of it. A multiple of 4M: SD cards erase in blocks of 4 MiB.',
);

const place = {
  start: autoOrSize.optional().meta({ default: 'auto' }).describe(START),
  size: autoOrSize.optional().meta({ default: 'auto' }).describe(SIZE),
};

/** The shape of boards before there were systems: exactly two partitions. */
export const partitionMap = z
  .strictObject({
    alignment: alignment.optional().meta({ default: '4M' }),
    boot: z
      .strictObject({
        fs: z.literal('fat32').optional().describe('The only file system that the boot ROM reads.'),
        label: FAT_LABEL.optional().describe(
          'Volume label: 11 characters at most, capital letters, digits, `_` and `-`.',
        ),
        ...place,
        headroom: size
          .optional()
          .meta({ default: '8M' })
          .describe('Free space beside the content, for a second kernel or larger seeds.'),
      })
      .optional()
      .describe(
        'First partition: firmware, kernel, device trees, config.txt, cmdline.txt and seeds; mounted at /boot.',
      ),
    root: z
      .strictObject({
        fs: z.literal('ext4').optional().describe('File system of the root partition.'),
        label: EXT4_LABEL.optional().describe('Volume label: 16 characters at most.'),
        ...place,
        headroom: size.optional().describe('Free space for what is written before the partition grows on first boot.'),
      })
      .optional()
      .describe('Second partition: the root file system. It grows to the end of the card on first boot.'),
  })
  .describe(
    'Over those of the system, as a list of partitions (docs/systems.md), or as a map of the two that every image has. Disk id, UUIDs and volume serials are derived from the board id.',
  );
