import type { Board } from '../model/board.js';
import type { DiskLayout } from '../disk/disk-layout.js';

/** config.txt of the Raspberry Pi firmware. Ends under `[all]`, so that a line which a person appends is always read. */
export function configTxt(board: Pick<Board, 'id' | 'configTxt' | 'kernel'>): string {
  const all = board.configTxt.filter(({ filter }) => filter === 'all').flatMap(({ lines }) => lines);
  const others = board.configTxt.filter(({ filter }) => filter !== 'all');
  const lines = [
    `# Raspberry Pi firmware settings, written by reswarm-os for board ${board.id}.`,
    '[all]',
    `kernel=${board.kernel.image.name}`,
    ...all,
    ...others.flatMap(({ filter, lines }) => ['', `[${filter}]`, ...lines]),
    ...(others.length === 0 ? [] : ['', '[all]']),
  ];
  return `${lines.join('\n')}\n`;
}

/** The words of cmdline.txt. Root is named by PARTUUID: the order in which SD controllers appear is not fixed. */
export function kernelCommandLine(layout: DiskLayout, board: Pick<Board, 'consoles' | 'cmdline'>): readonly string[] {
  const [, root] = layout.partitions;
  return [
    ...board.consoles.map((console) => `console=${console}`),
    `root=PARTUUID=${root.partUuid}`,
    `rootfstype=${root.fs}`,
    'rootwait',
    ...board.cmdline,
  ];
}

/** cmdline.txt: the firmware reads its first line only. */
export function cmdlineTxt(layout: DiskLayout, board: Pick<Board, 'consoles' | 'cmdline'>): string {
  return `${kernelCommandLine(layout, board).join(' ')}\n`;
}

/**
 * /etc/fstab. The FAT holds seeds with password hashes and wifi keys, so only root may read it; `nofail`, because a
 * device with a damaged FAT has already found its kernel and should still be reachable.
 */
export function fstab(layout: DiskLayout): string {
  const [boot, root] = layout.partitions;
  const rows = [
    [`PARTUUID=${root.partUuid}`, root.mount, root.fs, 'defaults,noatime,errors=remount-ro', '0', '1'],
    [`PARTUUID=${boot.partUuid}`, boot.mount, 'vfat', 'defaults,noatime,flush,umask=0077,nofail', '0', '2'],
  ];
  return `${rows.map((row) => row.join(' ')).join('\n')}\n`;
}
