import type { Board } from '../model/board.js';
import type { BootMethod } from './boot-method.js';
import { archiveOf } from './boot-method.js';
import { kernelCommandLine, raspberryPi } from './raspberry-pi.js';
import { grubCfg } from '../formats/grub-cfg.js';

/** Whether GRUB starts a board's images: a PC, whose firmware is its own. */
export function startsByGrub({ architecture, firmware }: Pick<Board, 'architecture' | 'firmware'>): boolean {
  return architecture === 'amd64' && firmware === undefined;
}

/** The program that UEFI starts from a drive (UEFI specification 2.10, 3.5.1.1). */
export const EFI_PROGRAM = 'EFI/BOOT/BOOTX64.EFI';
export const GRUB_CFG = 'grub.cfg';

/**
 * GRUB reads grub.cfg, which loads the kernel with its command line. config.txt and cmdline.txt are beside it, so that
 * `reswarm-os boot` can start the kernel itself, as it does with every board.
 */
export const grub: BootMethod = {
  files(spec, parts, root) {
    const { board } = spec;
    const { loader } = parts;
    if (loader === undefined) throw new TypeError(`no boot loader was made for ${board.id}`);
    const commandLine = kernelCommandLine(root, board).join(' ');
    const archive = archiveOf(root);
    const initrd = archive === undefined ? {} : { initrd: `/${archive.name}` };
    return [
      ...raspberryPi.files(spec, parts, root),
      { name: GRUB_CFG, text: grubCfg({ kernel: `/${board.kernel.image.name}`, ...initrd, commandLine }) },
      { name: EFI_PROGRAM, source: loader.efiProgram, digest: `${loader.key}/efi` },
    ];
  },
};

/** How a board's images come from power-on to the kernel. */
export function bootMethodOf(board: Pick<Board, 'architecture' | 'firmware'>): BootMethod {
  return startsByGrub(board) ? grub : raspberryPi;
}
