import { basename, join } from 'node:path';
import type { Board } from '../model/board.js';
import type { Slot } from '../model/image-spec.js';
import type { BootedRoot, BootMethod, RootArchive } from './boot-method.js';
import { archiveOf, slotOf, wordsOf } from './boot-method.js';
import type { BootFile } from './boot-tree.js';

/**
 * config.txt of the Raspberry Pi firmware. Ends under `[all]`, so that a line which a person appends is always read.
 *
 * @param archive its name, or the names of several with commas between them: the firmware loads one behind the other
 */
export function configTxt(
  board: Pick<Board, 'id' | 'configTxt' | 'kernel'>,
  {
    archive,
    slot,
  }: { readonly archive?: Pick<RootArchive, 'name'> | undefined; readonly slot?: Slot | undefined } = {},
): string {
  const all = board.configTxt.filter(({ filter }) => filter === 'all').flatMap(({ lines }) => lines);
  const watched = slot === undefined ? [] : WATCHED_MODELS.map((filter) => ({ filter, lines: [KERNEL_WATCHDOG] }));
  const others = [...board.configTxt.filter(({ filter }) => filter !== 'all'), ...watched];
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

/** The firmware arms the watchdog: a kernel that hangs before systemd takes it over is a failed trial. */
const KERNEL_WATCHDOG = 'kernel_watchdog_timeout=60';
const WATCHED_MODELS = ['pi4', 'pi5'];

/** The words of cmdline.txt. */
export function kernelCommandLine(root: BootedRoot, board: Pick<Board, 'consoles' | 'cmdline'>): readonly string[] {
  const slot = slotOf(root);
  return [
    ...board.consoles.map((console) => `console=${console}`),
    ...wordsOf(root),
    ...board.cmdline,
    ...(slot === undefined ? [] : [`rauc.slot=${slot.toUpperCase()}`]),
  ];
}

/** What an update makes the new slot's cmdline.txt of: only the device knows its disk, its slot and its machine-id. */
const COMMAND_LINE_TEMPLATE = 'cmdline.in';

function commandLineTemplate(root: BootedRoot, board: Pick<Board, 'consoles' | 'cmdline'>): string {
  const words = kernelCommandLine(root, board).map((word) => {
    if (word.startsWith('root=')) return 'root=PARTUUID=@DISK@-@ROOT@';
    return word.startsWith('rauc.slot=') ? 'rauc.slot=@SLOT@' : word;
  });
  return `${[...words, 'systemd.machine_id=@MACHINE_ID@'].join(' ')}\n`;
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
    const slot = slotOf(root);
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
      { name: 'config.txt', text: configTxt(board, { archive, slot }) },
      { name: 'cmdline.txt', text: `${kernelCommandLine(root, board).join(' ')}\n` },
      ...(slot === undefined ? [] : [{ name: COMMAND_LINE_TEMPLATE, text: commandLineTemplate(root, board) }]),
    ];
  },
};
