import type { RuleProblem } from '../rule.js';
import { basename } from 'node:path';
import { DERIVED_CONFIG_TXT_KEYS } from '../../formats/config-txt.js';
import { CMDLINE_LIMIT, DERIVED_CMDLINE_WORDS } from '../../formats/command-line.js';
import { CONFIG_TXT_LINE_LIMIT } from '../../formats/config-txt.js';
import { MACHINES, defaultMachine } from '../../model/qemu.js';
import type { BoardDefinition } from './board-schema.js';
import { checkSoftwareRules } from '../software/software-rules.js';
import { didYouMean } from '../wording.js';
import type { Path } from '../yaml-source.js';

type BoardRule = (board: BoardDefinition) => readonly RuleProblem[];

/** Everything that holds between keys. Each rule speaks for itself and for all of its places at once. */
export function checkBoardRules(board: BoardDefinition): readonly RuleProblem[] {
  return RULES.flatMap((rule) => rule(board));
}

const configTxtLinesFit: BoardRule = ({ configTxt }) =>
  configTxtLines(configTxt)
    .filter(({ line }) => Buffer.byteLength(line) > CONFIG_TXT_LINE_LIMIT)
    .map(({ path, line }) => ({
      path,
      code: 'config-txt-line-too-long',
      message: `this line has ${Buffer.byteLength(line)} characters; the firmware ignores what follows ${CONFIG_TXT_LINE_LIMIT}`,
      hint: 'Split it: several dtparam= or dtoverlay= lines add up.',
    }));

const configTxtLinesAreSettings: BoardRule = ({ configTxt }) =>
  configTxtLines(configTxt)
    .filter(({ line }) => !/^([a-z][\w:]*=|initramfs |include |#)[\x20-\x7e]*$/i.test(line))
    .map(({ path, line }) => ({
      path,
      code: 'config-txt-line-invalid',
      message: `"${line}" is not a line of config.txt`,
      hint: 'Write key=value without spaces around "="; [filters] are keys of configTxt.',
    }));

const configTxtLeavesDerivedKeys: BoardRule = ({ configTxt }) =>
  configTxtLines(configTxt)
    .filter(({ line }) => DERIVED_CONFIG_TXT_KEYS.some((key) => line.startsWith(`${key}=`)))
    .map(({ path, line }) => ({
      path,
      code: 'config-txt-key-derived',
      message: `"${line}" is written by the build itself`,
      hint: 'Remove it; the name of the kernel is kernel.image.name, the command line is cmdline.',
    }));

const FILTERS =
  'all none tryboot pi0 pi0w pi02 pi1 pi2 pi3 pi3+ pi4 pi400 cm0 cm1 cm3 cm3+ cm4 cm4s pi5 pi500 cm5'.split(' ');

const configTxtFiltersExist: BoardRule = ({ configTxt }) =>
  Object.keys(configTxt)
    .filter((filter) => !FILTERS.includes(filter) && !/^(0x[0-9a-f]+|EDID=.+|gpio\d+=[01]|HDMI:[01])$/i.test(filter))
    .map((filter) => ({
      path: ['configTxt', filter],
      code: 'config-txt-filter-unknown',
      message: `"${filter}" is not a filter that the firmware knows`,
      hint: didYouMean(filter, FILTERS) ?? `Known: ${FILTERS.join(', ')}.`,
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

const softwareFits: BoardRule = ({ software = [] }) => checkSoftwareRules(software);

/** The firmware skips an overlay that it does not find, without a word that anyone would see. */
const overlaysAreShipped: BoardRule = ({ configTxt, deviceTreeOverlays }) => {
  const shipped = deviceTreeOverlays.map((overlay) => basename(overlay, '.dtso'));
  return configTxtLines(configTxt).flatMap(({ path, line }) => {
    const name = /^dtoverlay=([^,:]+)/.exec(line)?.[1];
    if (name === undefined || shipped.includes(name)) return [];
    return [
      {
        path,
        code: 'device-tree-overlay-unknown',
        message: `config.txt asks for the overlay "${name}", which is not in deviceTreeOverlays`,
        hint:
          didYouMean(name, shipped) ??
          'List it there: one of boards/overlays by its name, or one of your own as ./name.dtso.',
      },
    ];
  });
};

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
  configTxtLinesFit,
  configTxtLinesAreSettings,
  configTxtLeavesDerivedKeys,
  configTxtFiltersExist,
  cmdlineLeavesDerivedWords,
  cmdlineFits,
  softwareFits,
  qemuMachinesFitArchitecture,
  qemuMachinesFindDeviceTrees,
  overlaysAreShipped,
  deviceTreesArePresent,
];

function configTxtLines(configTxt: BoardDefinition['configTxt']): { path: Path; line: string }[] {
  return Object.entries(configTxt).flatMap(([filter, lines]) =>
    lines.map((line, index) => ({ path: ['configTxt', filter, index], line })),
  );
}
