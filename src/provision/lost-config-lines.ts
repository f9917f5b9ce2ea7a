import type { Problem } from '../errors.js';
import type { LineProblem } from '../formats/config-txt-files.js';
import { fileProblems, readConfigTxt, settingOf } from '../formats/config-txt-files.js';
import type { NamedTree } from '../formats/config-txt-overlays.js';
import { overlayProblems } from '../formats/config-txt-overlays.js';
import { withConfigLines } from '../formats/config-txt.js';
import { readDeviceTree } from '../formats/device-tree.js';
import type { BootPartitionView } from '../images/edit-boot-files.js';

type BootFiles = Pick<BootPartitionView, 'names' | 'readFile'>;

/**
 * Lines for config.txt that the firmware could not carry out on this image: they ask for a file that the boot
 * partition does not have, or for what its device trees and overlays do not know. Codes: those of `fileProblems` and
 * `overlayProblems`, and `device-tree-overlay-unknown`.
 */
export async function lostConfigLines(view: BootFiles, lines: readonly string[]): Promise<readonly Problem[]> {
  if (lines.length === 0) return [];
  const before = Buffer.from((await view.readFile('config.txt')) ?? []).toString('utf8');
  const sections = readConfigTxt(withConfigLines(before, lines));
  const names = await view.names();
  const present = await presentFiles(view, names, lines);
  const overlays = await treesAt(view, overlayNames(sections.flatMap((section) => section.lines)).map(overlayFile));
  const trees = await treesAt(view, names.filter(isDeviceTree));
  const problems: LineProblem[] = [
    ...fileProblems(sections, (path) => present.has(plain(path))),
    ...overlayProblems(sections, { trees, overlays }),
  ];
  // What the image came with is not this person's mistake.
  const ours = problems.filter(({ line }) => lines.includes(line)).map(({ problem }) => problem);
  return [...unknownOverlays(lines, present), ...ours];
}

/** Names in the root, and those of other files that the lines name. */
async function presentFiles(
  view: BootFiles,
  names: readonly string[],
  lines: readonly string[],
): Promise<ReadonlySet<string>> {
  const asked = lines.flatMap((line) => settingOf(line).value.split(/[\s,]/)).filter((path) => path.includes('/'));
  const below = [...asked, ...overlayNames(lines).map(overlayFile), OVERLAY_MAP];
  const found = await Promise.all(
    below.map(async (path) => ((await view.readFile(path.replace(/^\//, ''))) === undefined ? [] : [path])),
  );
  return new Set([...names, ...found.flat()].map(plain));
}

async function treesAt(view: BootFiles, paths: readonly string[]): Promise<readonly NamedTree[]> {
  const trees = paths.map(async (path): Promise<NamedTree[]> => {
    const bytes = await view.readFile(path);
    const root = bytes === undefined ? undefined : readDeviceTree(bytes);
    return root === undefined ? [] : [{ name: path.replace(/^overlays\/(.*)\.dtbo$/, '$1'), root }];
  });
  return (await Promise.all(trees)).flat();
}

function unknownOverlays(lines: readonly string[], present: ReadonlySet<string>): Problem[] {
  // Raspberry Pi OS has a map of names that stand for other overlays.
  if (present.has(OVERLAY_MAP)) return [];
  return overlayNames(lines)
    .filter((name) => !present.has(plain(overlayFile(name))))
    .map((name) => ({
      code: 'device-tree-overlay-unknown',
      message: `the image has no overlay "${name}" (overlays/${name}.dtbo)`,
      hint: 'Build the image with it: deviceTreeOverlays of the board.',
    }));
}

const OVERLAY_MAP = 'overlays/overlay_map.dtb';

function overlayNames(lines: readonly string[]): string[] {
  const names = lines
    .map(settingOf)
    .flatMap(({ key, value }) => (key === 'dtoverlay' ? [value.split(/[,:]/)[0] ?? ''] : []));
  return [...new Set(names.filter((name) => name !== ''))];
}

function overlayFile(name: string): string {
  return `overlays/${name}.dtbo`;
}

function isDeviceTree(name: string): boolean {
  return name.toLowerCase().endsWith('.dtb');
}

/** FAT knows no difference between small letters and capitals; an absolute path begins at its root too. */
function plain(path: string): string {
  return path.replace(/^\//, '').toLowerCase();
}
