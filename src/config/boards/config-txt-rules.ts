import { basename } from 'node:path';
import { CONFIG_TXT_LINE_LIMIT, DERIVED_CONFIG_TXT_KEYS } from '../../formats/config-txt.js';
import type { HasFile } from '../../formats/config-txt-files.js';
import { fileProblems, settingOf } from '../../formats/config-txt-files.js';
import { kernelTarball } from '../../model/board.js';
import type { RuleProblem } from '../rule.js';
import { didYouMean } from '../wording.js';
import type { Path } from '../yaml-source.js';
import type { BoardDefinition } from '../schemas/board-schema.js';

type BoardRule = (board: BoardDefinition) => readonly RuleProblem[];

/** What a board's lines of config.txt may say, as far as the board file alone shows it. */
export function checkConfigTxtRules(board: BoardDefinition): readonly RuleProblem[] {
  return RULES.flatMap((rule) => rule(board));
}

const linesFit: BoardRule = ({ configTxt }) =>
  configTxtLines(configTxt)
    .filter(({ line }) => Buffer.byteLength(line) > CONFIG_TXT_LINE_LIMIT)
    .map(({ path, line }) => ({
      path,
      code: 'config-txt-line-too-long',
      message: `this line has ${Buffer.byteLength(line)} characters; the firmware ignores what follows ${CONFIG_TXT_LINE_LIMIT}`,
      hint: 'Split it: several dtparam= or dtoverlay= lines add up.',
    }));

const linesAreSettings: BoardRule = ({ configTxt }) =>
  configTxtLines(configTxt)
    .filter(({ line }) => !/^([a-z][\w:]*=|initramfs |include |#)[\x20-\x7e]*$/i.test(line))
    .map(({ path, line }) => ({
      path,
      code: 'config-txt-line-invalid',
      message: `"${line}" is not a line of config.txt`,
      hint: 'Write key=value without spaces around "="; [filters] are keys of configTxt.',
    }));

const linesLeaveDerivedKeys: BoardRule = ({ configTxt }) =>
  configTxtLines(configTxt)
    .filter(({ line }) => isDerived(line))
    .map(({ path, line }) => ({
      path,
      code: 'config-txt-key-derived',
      message: `"${line}" is written by the build itself`,
      hint: 'Remove it; the name of the kernel is kernel.image.name, the command line is cmdline.',
    }));

function isDerived(line: string): boolean {
  return DERIVED_CONFIG_TXT_KEYS.includes(settingOf(line).key);
}

const FILTERS =
  'all none tryboot pi0 pi0w pi02 pi1 pi2 pi3 pi3+ pi4 pi400 cm0 cm1 cm3 cm3+ cm4 cm4s pi5 pi500 cm5'.split(' ');
/** Serial number, monitor, GPIO, HDMI socket, type of the board. */
const FILTER_PATTERN = /^(0x[0-9a-f]+|EDID=.+|gpio\d+=[01]|HDMI:[01]|board-type=(0x[0-9a-f]+|\d+))$/i;

const filtersExist: BoardRule = ({ configTxt }) =>
  Object.keys(configTxt)
    .filter((filter) => !FILTERS.includes(filter) && !FILTER_PATTERN.test(filter))
    .map((filter) => ({
      path: ['configTxt', filter],
      code: 'config-txt-filter-unknown',
      message: `"${filter}" is not a filter that the firmware knows`,
      hint: didYouMean(filter, FILTERS) ?? `Known: ${FILTERS.join(', ')}.`,
    }));

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

/** `dtoverlay=NAME` asks for NAME.dtbo, which is made of NAME.dtso. */
const overlaysHaveNamesOfTheirOwn: BoardRule = ({ deviceTreeOverlays }) =>
  deviceTreeOverlays.flatMap((overlay, index) => {
    const problem = overlayNameProblem(overlay, deviceTreeOverlays.slice(0, index));
    return problem === undefined ? [] : [{ path: ['deviceTreeOverlays', index], ...problem }];
  });

function overlayNameProblem(overlay: string, before: readonly string[]): Omit<RuleProblem, 'path'> | undefined {
  const code = 'device-tree-overlay-name';
  const isPath = /^\.{0,2}\//.test(overlay);
  const file = basename(overlay);
  const name = file.replace(/(-overlay)?\.(dts|dtso|dtbo|dtb)$/i, '');
  if (/\.dtbo?$/i.test(file)) {
    const hint = `Name its source, ${name}.dtso. Without one: dtc -I dtb -O dts -o ${name}.dtso ${file}`;
    return { code, message: `${overlay} is compiled already; overlays are compiled from their source`, hint };
  }
  if (isPath ? !file.endsWith('.dtso') : /\.dtso?$/i.test(file)) {
    const hint = isPath ? `Rename it to ${name}.dtso; config.txt then says dtoverlay=${name}.` : `Write ${name}.`;
    const should = isPath ? 'the source of an overlay is called NAME.dtso' : 'a shipped overlay is listed by its name';
    return { code, message: `${overlay}: ${should}`, hint };
  }
  // On a FAT file system small letters and capitals are the same.
  const same = before.find((other) => plainName(other) === plainName(overlay));
  if (same === undefined) return undefined;
  const message = `${overlay} and ${same} would both be overlays/${name}.dtbo`;
  return { code, message, hint: 'Rename one of them, or leave it out.' };
}

function plainName(overlay: string): string {
  return basename(overlay, '.dtso').toLowerCase();
}

const filesAreShipped: BoardRule = (board) => {
  const has = shippedFiles(board);
  return fileProblems(sectionsOf(board.configTxt), has)
    .filter(({ line }) => !isDerived(line))
    .map(({ filter, index, problem }) => ({
      path: ['configTxt', filter, index],
      code: problem.code,
      message: problem.message,
      hint: problem.hint ?? '',
    }));
};

/** What a build puts on the boot partition by its board file; seeds come later and are no business of the firmware. */
function shippedFiles({
  firmware,
  kernel,
  deviceTrees,
  deviceTreeCopies,
  deviceTreeOverlays,
}: BoardDefinition): HasFile {
  const files = new Set(
    [
      ...(firmware?.files ?? []),
      kernel.image.name,
      ...deviceTrees,
      ...Object.keys(deviceTreeCopies),
      ...deviceTreeOverlays.map((overlay) => `overlays/${basename(overlay, '.dtso')}.dtbo`),
      ...['config.txt', 'cmdline.txt'],
    ].map((file) => file.toLowerCase()),
  );
  return (path) => files.has(path.replace(/^\//, '').toLowerCase());
}

/**
 * `dtparam=` sets a parameter of the overlay above it or of the device tree, and mainline's device trees have none.
 * Whether an overlay has that parameter is seen when it is compiled; a kernel of one's own may have other device trees.
 */
const parametersHaveSomethingToSet: BoardRule = ({ configTxt, kernel }) => {
  if (kernelTarball(kernel) !== undefined || kernel.patches.length > 0) return [];
  const general = configTxt['all'] ?? [];
  return Object.entries(configTxt).flatMap(([filter, lines]) =>
    lines.flatMap((line, index) => {
      const { key, value } = settingOf(line);
      const before = [...(filter === 'all' ? [] : general), ...lines.slice(0, index)];
      if (!PARAMETER_KEYS.includes(key) || value === '' || isBelowOverlay(before)) return [];
      return [
        {
          path: ['configTxt', filter, index],
          code: 'config-txt-no-effect',
          message: `"${line}" does nothing: mainline Linux's device trees have no parameters`,
          hint: insteadOfParameter(value),
        },
      ];
    }),
  );
};

const PARAMETER_KEYS = ['dtparam', 'device_tree_param'];

/** An empty `dtoverlay=` ends the scope of the overlay above it. */
function isBelowOverlay(lines: readonly string[]): boolean {
  const last = lines.map(settingOf).findLast(({ key }) => key === 'dtoverlay');
  return last !== undefined && last.value !== '';
}

function insteadOfParameter(value: string): string {
  const overlay = /^(i2c|i2c1|i2c_arm)\b/.test(value) ? 'i2c1' : /^spi\b/.test(value) ? 'spi0' : undefined;
  if (overlay !== undefined) return `Use dtoverlay=${overlay}, with ${overlay} in deviceTreeOverlays.`;
  return "Remove it, write an overlay that does the same, or take Raspberry Pi's own kernel with kernel.source.";
}

/** The firmware looks for overlays of the cameras and displays that it finds, under Raspberry Pi's own names. */
const nothingIsDetected: BoardRule = ({ configTxt, deviceTreeOverlays }) =>
  deviceTreeOverlays.some((overlay) => overlay.includes('/'))
    ? []
    : configTxtLines(configTxt)
        .filter(({ line }) => /^(camera|display)_auto_detect=1$/.test(line))
        .map(({ path, line }) => ({
          path,
          code: 'config-txt-no-effect',
          message: `"${line}" does nothing: the image has none of the overlays that the firmware would take`,
          hint: 'Remove it, or list an overlay of your own under deviceTreeOverlays.',
        }));

const RULES: readonly BoardRule[] = [
  linesFit,
  linesAreSettings,
  linesLeaveDerivedKeys,
  filtersExist,
  overlaysHaveNamesOfTheirOwn,
  overlaysAreShipped,
  filesAreShipped,
  parametersHaveSomethingToSet,
  nothingIsDetected,
];

/** As they will stand in config.txt: those for all devices first. */
function sectionsOf(configTxt: BoardDefinition['configTxt']) {
  const sections = Object.entries(configTxt).map(([filter, lines]) => ({ filter, lines }));
  return [...sections.filter(({ filter }) => filter === 'all'), ...sections.filter(({ filter }) => filter !== 'all')];
}

function configTxtLines(configTxt: BoardDefinition['configTxt']): { path: Path; line: string }[] {
  return Object.entries(configTxt).flatMap(([filter, lines]) =>
    lines.map((line, index) => ({ path: ['configTxt', filter, index], line })),
  );
}
