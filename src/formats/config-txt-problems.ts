import type { ConfigTxtLines, LineProblem } from './config-txt-files.js';
import { fileProblems, readConfigTxt, settingOf } from './config-txt-files.js';
import type { NamedTree } from './config-txt-overlays.js';
import { overlayProblems } from './config-txt-overlays.js';
import { readDeviceTree } from './device-tree.js';

/** A boot partition, as far as config.txt is judged by it. */
export type BootPartitionFiles = {
  /** Names in its root at least. */
  names(): Promise<readonly string[]>;
  /** By path from the root, without a leading slash; undefined for a file that is not there. */
  readFile(path: string): Promise<Uint8Array | undefined>;
};

/**
 * Lines of a config.txt that the firmware could not carry out on this boot partition: they ask for a file that it does
 * not have, or for what its device trees and overlays do not know. Codes: those of `fileProblems` and
 * `overlayProblems`, and `device-tree-overlay-unknown`.
 */
export async function configTxtProblems(files: BootPartitionFiles, text: string): Promise<readonly LineProblem[]> {
  const sections = readConfigTxt(text);
  const names = await files.names();
  const present = new Set([...names, ...(await filesBelow(files, sections))].map(plain));
  const has = (path: string): boolean => present.has(plain(path));
  const overlays = await treesAt(files, overlayNames(sections).map(overlayFile));
  const trees = await treesAt(
    files,
    names.filter((name) => /^[^/]+\.dtb$/i.test(name)),
  );
  return [
    ...unknownOverlays(sections, has),
    ...fileProblems(sections, has),
    ...overlayProblems(sections, { trees, overlays }),
  ];
}

/** Files in folders that the lines name and that are there. */
async function filesBelow(files: BootPartitionFiles, sections: readonly ConfigTxtLines[]): Promise<readonly string[]> {
  const asked = settingsOf(sections).flatMap(({ value }) => value.split(/[\s,]/));
  const paths = [
    ...asked.filter((path) => path.includes('/')),
    ...overlayNames(sections).map(overlayFile),
    OVERLAY_MAP,
  ];
  const found = paths.map(async (path) => {
    const relative = path.replace(/^\//, '');
    return relative === '' || relative.endsWith('/') || (await files.readFile(relative)) === undefined ? [] : [path];
  });
  return (await Promise.all(found)).flat();
}

async function treesAt(files: BootPartitionFiles, paths: readonly string[]): Promise<readonly NamedTree[]> {
  const trees = paths.map(async (path): Promise<NamedTree[]> => {
    const bytes = await files.readFile(path);
    const root = bytes === undefined ? undefined : readDeviceTree(bytes);
    return root === undefined ? [] : [{ name: path.replace(/^overlays\/(.*)\.dtbo$/, '$1'), root }];
  });
  return (await Promise.all(trees)).flat();
}

/** The firmware passes over them without a word. */
function unknownOverlays(sections: readonly ConfigTxtLines[], has: (path: string) => boolean): LineProblem[] {
  // Raspberry Pi OS has a map of names that stand for other overlays.
  if (has(OVERLAY_MAP)) return [];
  return sections.flatMap(({ filter, lines }) =>
    lines.flatMap((line, index) => {
      const name = overlayOf(line);
      if (name === undefined || has(overlayFile(name))) return [];
      const problem = {
        code: 'device-tree-overlay-unknown',
        message: `"${line}" asks for the overlay "${name}", and the boot partition has no overlays/${name}.dtbo`,
        hint: 'Build the image with it: deviceTreeOverlays of the board.',
      };
      return [{ filter, index, line, problem }];
    }),
  );
}

const OVERLAY_MAP = 'overlays/overlay_map.dtb';

function overlayNames(sections: readonly ConfigTxtLines[]): string[] {
  const names = sections.flatMap(({ lines }) => lines).map(overlayOf);
  return [...new Set(names.filter((name) => name !== undefined))];
}

function overlayOf(line: string): string | undefined {
  const { key, value } = settingOf(line);
  const name = key === 'dtoverlay' ? value.split(/[,:]/)[0] : undefined;
  return name === '' ? undefined : name;
}

function settingsOf(sections: readonly ConfigTxtLines[]) {
  return sections.flatMap(({ lines }) => lines).map(settingOf);
}

function overlayFile(name: string): string {
  return `overlays/${name}.dtbo`;
}

/** FAT knows no difference between small letters and capitals; an absolute path begins at its root too. */
function plain(path: string): string {
  return path.replace(/^\//, '').toLowerCase();
}
