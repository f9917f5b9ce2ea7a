import type { RuleProblem } from '../rule.js';
import { CMDLINE_LIMIT, DERIVED_CMDLINE_WORDS } from '../../formats/command-line.js';
import { MACHINES, defaultMachine } from '../../model/qemu.js';
import type { BoardDefinition } from '../schemas/board-schema.js';
import { checkSoftwareRules } from '../software/software-rules.js';
import { checkConfigTxtRules } from './config-txt-rules.js';

type BoardRule = (board: BoardDefinition) => readonly RuleProblem[];

/** Everything that holds between keys. Each rule speaks for itself and for all of its places at once. */
export function checkBoardRules(board: BoardDefinition): readonly RuleProblem[] {
  return RULES.flatMap((rule) => rule(board));
}

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

const profilesSayFragmentsOnce: BoardRule = ({ kernel }) =>
  Object.entries(kernel.profiles).flatMap(([name, { fragments, adds }]) =>
    (fragments === undefined) !== (adds === undefined)
      ? []
      : [
          {
            path: ['kernel', 'profiles', name],
            code: 'kernel-profile-fragments',
            message: `the kernel profile ${name} has ${fragments === undefined ? 'neither fragments nor adds' : 'both fragments and adds'}`,
            hint: "Write `fragments` for a kernel of its own, or `adds` for options beside those of the board's kernel.",
          },
        ],
  );

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

const softwareFits: BoardRule = ({ software = [] }) => checkSoftwareRules(software);

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
  cmdlineLeavesDerivedWords,
  cmdlineFits,
  profilesSayFragmentsOnce,
  softwareFits,
  qemuMachinesFitArchitecture,
  qemuMachinesFindDeviceTrees,
  checkConfigTxtRules,
  deviceTreesArePresent,
];
