import { grubVersionOf, isGrubBootCode } from '../formats/grub-boot-code.js';
import { grubCommandLine } from '../formats/grub-cfg.js';
import type { DiscBoot } from '../images/disc.js';
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

/** Beside the loader that our discs have for UEFI (native/efi-disc.c): its fourth line is the kernel's command line. */
const DISC_CONFIG = 'EFI/BOOT/disc.cfg';

/**
 * What a disc starts from: the firmwares of its boot catalogue. Undefined where it starts from none.
 *
 * @param efiMount where the FAT that UEFI starts from is in the view
 */
export async function reportDiscLoader(
  boot: readonly Pick<DiscBoot, 'firmware'>[],
  files: FileView,
  efiMount: string,
): Promise<BootLoaderReport | undefined> {
  const firmwares = (['bios', 'uefi'] as const).filter((name) =>
    boot.some(({ firmware }) => firmware.toLowerCase() === name),
  );
  if (firmwares.length === 0) return undefined;
  const entry = files.find(`${efiMount}/${EFI_PROGRAM}`);
  const version = entry?.kind === 'file' ? grubVersionOf(await files.bytes(entry)) : undefined;
  const lines = (await files.text(`${efiMount}/${DISC_CONFIG}`))?.split('\n');
  const commandLine = lines?.[3];
  const isOurs = commandLine !== undefined;
  return {
    name: isOurs ? 'GRUB and efi-disc' : version === undefined ? 'of the disc' : 'GRUB',
    ...(version === undefined ? {} : { version }),
    firmwares,
    ...(commandLine === undefined ? {} : { commandLine }),
  };
}
