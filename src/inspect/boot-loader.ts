import { grubVersionOf, isGrubBootCode } from '../formats/grub-boot-code.js';
import { grubCommandLine } from '../formats/grub-cfg.js';
import type { FileView } from '../images/file-view.js';
import type { BootLoaderReport } from './image-report.js';

/** What UEFI starts from a drive: for a PC. */
const EFI_PROGRAM = 'EFI/BOOT/BOOTX64.EFI';

/**
 * The boot loader of a PC: code in the first sector for a BIOS, a program on the boot partition for UEFI. Undefined
 * where GRUB is in neither place.
 */
export async function reportBootLoader(
  firstSector: Uint8Array,
  files: FileView,
  bootMount: string,
): Promise<BootLoaderReport | undefined> {
  const entry = files.find(`${bootMount}/${EFI_PROGRAM}`);
  const program = entry?.kind === 'file' ? await files.bytes(entry) : undefined;
  const version = program && grubVersionOf(program);
  const firmwares = [
    ...(isGrubBootCode(firstSector) ? (['bios'] as const) : []),
    ...(version === undefined ? [] : (['uefi'] as const)),
  ];
  if (firmwares.length === 0) return undefined;
  const commandLine = grubCommandLine((await files.text(`${bootMount}/grub.cfg`)) ?? '');
  return {
    name: 'GRUB',
    ...(version === undefined ? {} : { version }),
    firmwares,
    ...(commandLine === undefined ? {} : { commandLine }),
  };
}
