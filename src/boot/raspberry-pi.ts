import { basename, join } from 'node:path';
import type { Board } from '../model/board.js';
import type { BootedRoot, BootMethod, RootArchive } from './boot-method.js';
import { archiveOf, wordsOf } from './boot-method.js';
import type { BootFile } from './boot-tree.js';

/** config.txt of the Raspberry Pi firmware. Ends under `[all]`, so that a line which a person appends is always read. */
export function configTxt(board: Pick<Board, 'id' | 'configTxt' | 'kernel'>, archive?: RootArchive): string {
  const all = board.configTxt.filter(({ filter }) => filter === 'all').flatMap(({ lines }) => lines);
  const others = board.configTxt.filter(({ filter }) => filter !== 'all');
  const lines = [
    `# Raspberry Pi firmware settings, written by reswarm-os for board ${board.id}.`,
    '[all]',
    `kernel=${board.kernel.image.name}`,
    // Without a "=": the firmware's own way to write it.
    ...(archive === undefined ? [] : [`initramfs ${archive.name} followkernel`]),
    ...all,
    ...others.flatMap(({ filter, lines }) => ['', `[${filter}]`, ...lines]),
    ...(others.length === 0 ? [] : ['', '[all]']),
  ];
  return `${lines.join('\n')}\n`;
}

/** The words of cmdline.txt. */
export function kernelCommandLine(root: BootedRoot, board: Pick<Board, 'consoles' | 'cmdline'>): readonly string[] {
  return [...board.consoles.map((console) => `console=${console}`), ...wordsOf(root), ...board.cmdline];
}

/**
 * The firmware of the Raspberry Pi reads config.txt, loads the kernel that it names and the device tree of its model,
 * and passes cmdline.txt on; it reads that file's first line only. `reswarm-os boot` reads both files too, so that
 * virtual machines start the same way.
 */
export const raspberryPi: BootMethod = {
  files({ board }, { kernel, firmware, overlays }, root) {
    const { image } = board.kernel;
    const archive = archiveOf(root);
    const from = (made: { readonly key: string }, name: string, source: string): BootFile => {
      return { name, source, digest: `${made.key}/${basename(source)}` };
    };
    const deviceTrees = [...board.deviceTrees.map((name) => [name, name]), ...Object.entries(board.deviceTreeCopies)];
    return [
      ...(firmware === undefined ? [] : firmware.files.map((name) => from(firmware, name, join(firmware.path, name)))),
      from(kernel, image.name, image.compression === 'gzip' ? kernel.imageGz : kernel.image),
      ...deviceTrees.map(([name = '', own = '']) => from(kernel, name, join(kernel.deviceTrees, own))),
      ...board.deviceTreeOverlays.map(({ name }) => {
        return from(overlays, `overlays/${name}.dtbo`, join(overlays.path, `${name}.dtbo`));
      }),
      ...(archive === undefined ? [] : [{ name: archive.name, source: archive.path, digest: archive.key }]),
      { name: 'config.txt', text: configTxt(board, archive) },
      { name: 'cmdline.txt', text: `${kernelCommandLine(root, board).join(' ')}\n` },
    ];
  },
};
