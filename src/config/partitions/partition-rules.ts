import { FAT32_MIN_BYTES, isFat32 } from '../../formats/fat/geometry.js';
import { MBR_MAX_BYTES } from '../../formats/mbr.js';
import type { Problem } from '../../errors.js';
import { MiB, alignUp, formatSize } from '../../model/bytes.js';
import type { FileSystemName, PartitionRole } from '../../model/image-spec.js';
import { placementOrder } from '../../model/placement-order.js';
import type { DiskRule, DraftDisk } from './draft-disk.js';
import { alignmentBytes, fixedSizes, leastBytes } from './draft-disk.js';
import type { DraftPartition } from './draft-partitions.js';
import { ROLE_DEFAULTS } from './draft-partitions.js';
import { FILE_SYSTEM_RULES } from './file-system-rules.js';
import { GROW_RULES, nextFixed } from './grow-rules.js';
import { MOUNT_RULES } from './mount-rules.js';
import { SLOT_RULES } from './slot-rules.js';
import { EXT4_LABEL, FAT_LABEL } from '../schemas/volume-label.js';

/** Everything that holds between the keys of partitions, and between partitions. */
export function checkPartitionRules(disk: DraftDisk): readonly Problem[] {
  return [...RULES, ...FILE_SYSTEM_RULES, ...MOUNT_RULES, ...GROW_RULES, ...SLOT_RULES].flatMap((rule) => rule(disk));
}

/** The root of such a system mounts its boot partition and nothing else. */
const archiveRootIsAlone: DiskRule = ({ partitions, rootIsArchive }) =>
  partitions
    .filter(({ role }) => rootIsArchive && role !== 'boot')
    .map(({ name, role, at }) => ({
      code: 'partition-role-unfit',
      message: `the partition "${name}" has the role ${role}; the root of this system is an archive on the boot partition, and it mounts no other`,
      hint: 'Remove it, or choose a system of Debian.',
      ...at(),
    }));

const oneBootAndOneRoot: DiskRule = ({ partitions, table, rootIsArchive }) =>
  (rootIsArchive ? (['boot'] as const) : (['boot', 'root'] as const)).flatMap((role) => {
    const [first, ...others] = partitions.filter((one) => one.role === role);
    // The rules of slots want two of each.
    if (first !== undefined && partitions.some((one) => one.role === 'selector')) return [];
    if (first === undefined) {
      // One of that name has had its role taken away.
      const named = partitions.find(({ name }) => name === role);
      return [missingRole(role, named?.at('role') ?? partitions[0]?.at() ?? table.at)];
    }
    return others.map(({ name, at }) => ({
      code: 'partition-role-twice',
      message: `"${name}" is a second partition with the role ${role}: "${first.name}" has it already`,
      hint: 'Give one of the two the role data.',
      ...at('role'),
    }));
  });

function missingRole(role: 'boot' | 'root', at: ReturnType<DraftPartition['at']>): Problem {
  return {
    code: 'partition-role-unfilled',
    message: `no partition has the role ${role}`,
    hint:
      role === 'boot'
        ? 'Add { name: boot, role: boot }: firmware, kernel and seed are on it, and nothing starts without it.'
        : 'Add { name: root, role: root }: the system is on it.',
    ...at,
  };
}

/** Firmware looks for the first FAT among the primary partitions and reads nothing else. */
const bootIsFoundByFirmware: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ role }) => role === 'boot')
    .slice(0, 1)
    .flatMap((boot) => {
      const before = partitions
        .slice(0, partitions.indexOf(boot))
        .find(({ fs, logical, role }) => fs === 'vfat' && !logical && role !== 'selector');
      return [
        boot.fs === 'vfat'
          ? undefined
          : {
              code: 'boot-partition-unreadable-by-firmware',
              message: `the boot partition "${boot.name}" has the file system ${boot.fs}; firmware reads vfat only`,
              hint: 'Write fs: vfat.',
              ...boot.at('fs'),
            },
        !boot.logical
          ? undefined
          : {
              code: 'boot-partition-unreadable-by-firmware',
              message: `the boot partition "${boot.name}" is logical; firmware reads primary partitions only`,
              hint: 'Make another partition logical.',
              ...boot.at('logical'),
            },
        before === undefined
          ? undefined
          : {
              code: 'boot-partition-unreadable-by-firmware',
              message: `"${before.name}" is a vfat before the boot partition "${boot.name}"; firmware takes the first vfat`,
              hint: 'Put the boot partition before it in the list, or give it another file system.',
              ...before.at('fs'),
            },
      ].filter((problem) => problem !== undefined);
    });

const treesFitRoles: DiskRule = ({ partitions }) =>
  partitions.flatMap(({ name, role, tree, files, at }) => {
    const fitting = ROLE_DEFAULTS[role].tree;
    const problems: Problem[] = [];
    if (tree !== fitting) {
      problems.push({
        code: 'partition-tree-unfit',
        message: `the partition "${name}" has the role ${role} and cannot have the content "${tree ?? 'none'}"`,
        hint:
          fitting === undefined
            ? 'Remove tree; folders of your own are listed under files.'
            : `Write tree: ${fitting}.`,
        ...at('tree'),
      });
    }
    if (role !== 'data' && files.length > 0) {
      problems.push({
        code: 'partition-tree-unfit',
        message: `the partition "${name}" has the role ${role}; files are for data partitions`,
        hint: OTHER_WAYS[role],
        ...at('files'),
      });
    }
    return problems;
  });

const OTHER_WAYS: Readonly<Record<PartitionRole, string>> = {
  boot: 'Files for /boot: `reswarm-os inject IMAGE --file SRC:DST`.',
  root: 'Folders over the root file system are listed under overlay.',
  data: '',
  selector: 'Files for /boot: `reswarm-os inject IMAGE --file SRC:DST`.',
};

/** Of file systems with a rule of their own; ext4's holds for the others. */
const LABELS: Readonly<Partial<Record<FileSystemName, typeof FAT_LABEL>>> = { vfat: FAT_LABEL };

const labelsFit: DiskRule = ({ partitions }) =>
  partitions.flatMap(({ fs, label, at }) => {
    // Refused as such where one is said.
    if (fs === 'squashfs') return [];
    const [issue] = (LABELS[fs] ?? EXT4_LABEL).safeParse(label, { reportInput: true }).error?.issues ?? [];
    if (issue === undefined) return [];
    const { code, hint } = issue.code === 'custom' ? (issue.params ?? {}) : {};
    const place = at('label');
    if (typeof code !== 'string')
      return [{ code: 'invalid-value', message: `the label "${label}" ${issue.message}`, ...place }];
    return [{ code, message: issue.message, ...(typeof hint === 'string' ? { hint } : {}), ...place }];
  });

const alignmentFitsEraseBlocks: DiskRule = (disk) =>
  alignmentBytes(disk) > 0 && alignmentBytes(disk) % (4 * MiB) === 0
    ? []
    : [
        {
          code: 'partition-misaligned',
          message: `an alignment of ${disk.alignment.value} is not a multiple of 4 MiB, in which SD cards erase`,
          hint: 'Use 4M.',
          ...disk.alignment.at,
        },
      ];

const partitionsAreAligned: DiskRule = (disk) =>
  fixedSizes(disk)
    .filter(({ bytes }) => bytes % alignmentBytes(disk) !== 0)
    .map(({ text, bytes, at, key }) => ({
      code: 'partition-misaligned',
      message: `${text} is not a multiple of the alignment, ${disk.alignment.value}`,
      hint: `The next one is ${formatSize(alignUp(bytes, alignmentBytes(disk)))}.`,
      ...at(key),
    }));

const fatIsFat32: DiskRule = (disk) =>
  disk.partitions
    .filter(({ fs, sizeBytes }) => fs === 'vfat' && sizeBytes !== 'auto' && !isFat32(sizeBytes))
    .map(({ said, at }) => ({
      code: 'partition-too-small',
      message: `${said.size ?? ''} is too small for FAT32, which needs ${formatSize(FAT32_MIN_BYTES)}; it would be FAT16 to the firmware`,
      hint: `Use "auto" or ${formatSize(alignUp(FAT32_MIN_BYTES, alignmentBytes(disk)))} at least.`,
      ...at('size'),
    }));

const partitionsAreNotEmpty: DiskRule = ({ partitions }) =>
  partitions
    .filter(({ fs, sizeBytes }) => fs !== 'vfat' && sizeBytes === 0)
    .map(({ name, at }) => ({
      code: 'partition-too-small',
      message: `the partition "${name}" has no size`,
      hint: 'Use "auto", or a size.',
      ...at('size'),
    }));

const partitionsDoNotOverlap: DiskRule = (disk) => {
  const alignedBytes = alignmentBytes(disk);
  const problems: Problem[] = [];
  let before: DraftPartition | undefined;
  let endBytes = alignedBytes;
  for (const one of placementOrder(disk.partitions)) {
    // Each logical partition has its table one alignment before it.
    const earliestBytes = endBytes + (one.logical ? alignedBytes : 0);
    const startBytes = one.startBytes === 'auto' ? earliestBytes : one.startBytes;
    // One that grows and has another behind it is refused by a rule of its own.
    if (startBytes < earliestBytes && nextFixed(one, disk.partitions) === undefined) {
      problems.push(overlap(one, before, endBytes, disk));
    }
    endBytes = Math.max(endBytes, startBytes + leastBytes(one, alignedBytes));
    before = one;
  }
  return problems;
};

function overlap(
  { name, logical, said, at }: DraftPartition,
  before: DraftPartition | undefined,
  endBytes: number,
  { alignment }: DraftDisk,
): Problem {
  const start = said.start ?? 'auto';
  if (before === undefined) {
    return {
      code: 'partition-overlap',
      message: `the partition "${name}" begins at ${start}, where the partition table is`,
      hint: `Use "auto" or ${alignment.value} at least.`,
      ...at('start'),
    };
  }
  const later = before.sizeBytes === 'auto' ? ' or later' : '';
  return {
    code: 'partition-overlap',
    message: `the partition "${name}" begins at ${start}, and "${before.name}" before it ends at ${formatSize(endBytes)}${later}`,
    hint: logical
      ? `Use "auto", or leave ${alignment.value} after that one: the table of a logical partition is before it.`
      : 'Use "auto", or begin where that one ends; partitions are placed in the order of the list.',
    ...at('start'),
  };
}

const partitionsFitIntoMbr: DiskRule = (disk) =>
  disk.table.value === 'gpt'
    ? []
    : fixedSizes(disk)
        .filter(({ bytes }) => bytes > MBR_MAX_BYTES)
        .map(({ text, at, key }) => ({
          code: 'partition-too-large',
          message: `${text} is more than a partition table of type MBR can hold, ${formatSize(MBR_MAX_BYTES)}`,
          hint: 'Use "auto" for the partition that grows: it takes what is left of the drive on first boot.',
          ...at(key),
        }));

/** Four entries; the extended partition, in which logical ones are, is one of them. */
const mbrHasRoom: DiskRule = ({ table, partitions }) => {
  const primary = partitions.filter(({ logical }) => !logical);
  const hasLogical = primary.length < partitions.length;
  const most = hasLogical ? 3 : 4;
  const surplus = primary[most];
  if (table.value === 'gpt' || surplus === undefined) return [];
  const extended = hasLogical ? ', and one is the extended partition of the logical ones' : '';
  return [
    {
      code: 'partition-table-full',
      message: `"${surplus.name}" is one primary partition too many: a table of type MBR has four entries${extended}`,
      hint: 'Add logical: true to the partitions from the fourth one on, or choose the table gpt.',
      ...surplus.at(),
    },
  ];
};

const gptHasNoLogical: DiskRule = ({ table, partitions }) =>
  table.value === 'mbr'
    ? []
    : partitions
        .filter(({ logical }) => logical)
        .map(({ name, at }) => ({
          code: 'partition-logical-in-gpt',
          message: `"${name}" is logical, and a table of type GPT has no logical partitions`,
          hint: 'Remove logical: GPT has room for 128 partitions.',
          ...at('logical'),
        }));

/** A board that loads bootcode.bin from the drive has a boot ROM from before GPT (Raspberry Pi 3 and Zero 2 W). */
const bootRomReadsTable: DiskRule = ({ table, firmwareFiles }) =>
  table.value === 'gpt' && firmwareFiles.includes('bootcode.bin')
    ? [
        {
          code: 'partition-table-unreadable-by-firmware',
          message: 'the boot ROM of this board, which loads bootcode.bin, reads partition tables of type MBR only',
          hint: 'Use the table mbr; with logical: true it has room for more than four partitions.',
          ...table.at,
        },
      ]
    : [];

const RULES: readonly DiskRule[] = [
  archiveRootIsAlone,
  oneBootAndOneRoot,
  bootIsFoundByFirmware,
  treesFitRoles,
  labelsFit,
  alignmentFitsEraseBlocks,
  partitionsAreAligned,
  fatIsFat32,
  partitionsAreNotEmpty,
  partitionsDoNotOverlap,
  partitionsFitIntoMbr,
  mbrHasRoom,
  gptHasNoLogical,
  bootRomReadsTable,
];
