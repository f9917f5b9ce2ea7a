import type { RuleProblem } from '../rule.js';
import { CMDLINE_LIMIT, DERIVED_CMDLINE_WORDS } from '../../formats/command-line.js';
import { MiB, alignUp, formatSize } from '../../model/bytes.js';
import { MBR_MAX_BYTES } from '../../formats/mbr.js';
import { FAT32_MIN_BYTES, isFat32 } from '../../formats/fat/geometry.js';
import { MACHINES, defaultMachine } from '../../model/qemu.js';
import { sizeBytes, type BoardDefinition } from './board-schema.js';
import { checkSoftwareRules } from '../software/software-rules.js';
import { checkConfigTxtRules } from './config-txt-rules.js';
import type { Path } from '../yaml-source.js';

type BoardRule = (board: BoardDefinition) => readonly RuleProblem[];

/** Everything that holds between keys. Each rule speaks for itself and for all of its places at once. */
export function checkBoardRules(board: BoardDefinition): readonly RuleProblem[] {
  return RULES.flatMap((rule) => rule(board));
}

const alignmentFitsEraseBlocks: BoardRule = ({ partitions: { alignment } }) =>
  sizeBytes(alignment) > 0 && sizeBytes(alignment) % (4 * MiB) === 0
    ? []
    : [
        {
          path: ['partitions', 'alignment'],
          code: 'partition-misaligned',
          message: `an alignment of ${alignment} is not a multiple of 4 MiB, in which SD cards erase`,
          hint: 'Use 4M.',
        },
      ];

const partitionsAreAligned: BoardRule = ({ partitions }) => {
  const alignmentBytes = sizeBytes(partitions.alignment);
  return fixedSizes(partitions)
    .filter(({ bytes }) => bytes % alignmentBytes !== 0)
    .map(({ path, text, bytes }) => ({
      path,
      code: 'partition-misaligned',
      message: `${text} is not a multiple of the alignment, ${partitions.alignment}`,
      hint: `The next one is ${formatSize(alignUp(bytes, alignmentBytes))}.`,
    }));
};

const bootPartitionCanBeFat32: BoardRule = ({ partitions: { alignment, boot } }) =>
  boot.size === 'auto' || isFat32(sizeBytes(boot.size))
    ? []
    : [
        {
          path: ['partitions', 'boot', 'size'],
          code: 'partition-too-small',
          message: `${boot.size} is too small for FAT32, which needs ${formatSize(FAT32_MIN_BYTES)}; it would be FAT16 to the firmware`,
          hint: `Use "auto" or ${formatSize(alignUp(FAT32_MIN_BYTES, sizeBytes(alignment)))} at least.`,
        },
      ];

const partitionsDoNotOverlap: BoardRule = ({ partitions: { alignment, boot, root } }) => {
  const bootStart = boot.start === 'auto' ? sizeBytes(alignment) : sizeBytes(boot.start);
  const bootSize = boot.size === 'auto' ? FAT32_MIN_BYTES : sizeBytes(boot.size);
  const problems: RuleProblem[] = [];
  if (bootStart < sizeBytes(alignment)) {
    problems.push({
      path: ['partitions', 'boot', 'start'],
      code: 'partition-overlap',
      message: `the boot partition begins at ${boot.start}, where the partition table lies`,
      hint: `Use "auto" or ${alignment} at least.`,
    });
  }
  if (root.start !== 'auto' && sizeBytes(root.start) < bootStart + bootSize) {
    problems.push({
      path: ['partitions', 'root', 'start'],
      code: 'partition-overlap',
      message: `the root partition begins at ${root.start}, inside the boot partition, which ends at ${formatSize(bootStart + bootSize)}${boot.size === 'auto' ? ' or later' : ''}`,
      hint: 'Use "auto", or begin where the boot partition ends.',
    });
  }
  return problems;
};

const partitionsFitIntoMbr: BoardRule = ({ partitions }) =>
  fixedSizes(partitions)
    .filter(({ bytes }) => bytes > MBR_MAX_BYTES)
    .map(({ path, text }) => ({
      path,
      code: 'partition-too-large',
      message: `${text} is more than a partition table of type MBR can hold, ${formatSize(MBR_MAX_BYTES)}`,
      hint: 'Use "auto": the root partition grows to the size of the card on first boot.',
    }));

const cmdlineLeavesDerivedWords: BoardRule = ({ cmdline }) =>
  cmdline.flatMap((word, index) => {
    const key = word.split('=')[0] ?? word;
    return DERIVED_CMDLINE_WORDS.includes(key)
      ? [
          {
            path: ['cmdline', index],
            code: 'cmdline-word-derived',
            message: `"${word}" is written by the build itself`,
            hint:
              key === 'console'
                ? 'Consoles are listed under consoles.'
                : 'Remove it: the root partition is found by its PARTUUID.',
          },
        ]
      : [];
  });

const cmdlineFits: BoardRule = ({ cmdline, consoles }) => {
  const length = [...consoles.map((console) => `console=${console}`), ...cmdline].join(' ').length + ROOT_WORDS_LENGTH;
  return length <= CMDLINE_LIMIT
    ? []
    : [
        {
          path: ['cmdline'],
          code: 'cmdline-too-long',
          message: `the kernel command line has ${length} characters; ${CMDLINE_LIMIT} are the most`,
          hint: 'Shorten it.',
        },
      ];
};
const ROOT_WORDS_LENGTH = ' root=PARTUUID=01234567-02 rootfstype=ext4 rootwait '.length;

const qemuMachinesFindDeviceTrees: BoardRule = ({ qemu, deviceTrees }) =>
  qemu.flatMap((name, index) => {
    const fitting = MACHINES[name].deviceTrees;
    // A board without any device tree is told so by another rule.
    return fitting.length === 0 ||
      deviceTrees.length === 0 ||
      fitting.some((deviceTree) => deviceTrees.includes(deviceTree))
      ? []
      : [
          {
            path: ['qemu', index],
            code: 'qemu-device-tree-missing',
            message: `QEMU's ${name} cannot start this board: none of its device trees fits`,
            hint: `It needs one of ${fitting.join(', ')} in deviceTrees; virt needs none.`,
          },
        ];
  });

const qemuMachinesFitArchitecture: BoardRule = ({ qemu, architecture }) =>
  qemu.flatMap((name, index) =>
    MACHINES[name].architecture === architecture
      ? []
      : [
          {
            path: ['qemu', index],
            code: 'qemu-architecture-unfit',
            message: `QEMU's ${name} is a machine for ${MACHINES[name].architecture}, and this board is ${architecture}`,
            hint: `Take ${defaultMachine(architecture).name}.`,
          },
        ],
  );

const bundleIsForStatic: BoardRule = ({ docker: { source, bundle } }) =>
  bundle === undefined || source === 'static'
    ? []
    : [
        {
          path: ['docker', 'bundle'],
          code: 'docker-bundle-unused',
          message: `a bundle is only used with docker.source static, and it is ${source}`,
          hint: 'Set docker.source to static, or remove the bundle.',
        },
      ];

const imagesHaveAnEngine: BoardRule = ({ docker: { source, images } }) =>
  images.length === 0 || source !== 'none'
    ? []
    : [
        {
          path: ['docker', 'images'],
          code: 'docker-images-without-engine',
          message: 'with docker.source none, nothing on the device could load container images',
          hint: 'Choose another source, or remove the images.',
        },
      ];

const softwareFits: BoardRule = ({ software }) => checkSoftwareRules(software);

const deviceTreesArePresent: BoardRule = ({ firmware, deviceTrees }) =>
  firmware === undefined || deviceTrees.length > 0
    ? []
    : [
        {
          path: ['deviceTrees'],
          code: 'device-trees-missing',
          message: 'this board has boot firmware and no device tree',
          hint: 'List at least one: the kernel knows the board by it.',
        },
      ];

const RULES: readonly BoardRule[] = [
  alignmentFitsEraseBlocks,
  partitionsAreAligned,
  bootPartitionCanBeFat32,
  partitionsDoNotOverlap,
  partitionsFitIntoMbr,
  cmdlineLeavesDerivedWords,
  cmdlineFits,
  bundleIsForStatic,
  imagesHaveAnEngine,
  softwareFits,
  checkConfigTxtRules,
  qemuMachinesFitArchitecture,
  qemuMachinesFindDeviceTrees,
  deviceTreesArePresent,
];

type FixedSize = { readonly path: Path; readonly text: string; readonly bytes: number };

function fixedSizes({ boot, root }: BoardDefinition['partitions']): FixedSize[] {
  return Object.entries({ boot, root }).flatMap(([name, { start, size }]) =>
    Object.entries({ start, size })
      .filter(([, text]) => text !== 'auto')
      .map(([key, text]) => ({ path: ['partitions', name, key], text, bytes: sizeBytes(text) })),
  );
}
