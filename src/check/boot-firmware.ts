import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Firmware, FirmwareName } from '../model/qemu-firmware.js';

/** Debian's ovmf: without Secure Boot, whose keys our boot loader is not signed with. */
const OVMF = '/usr/share/OVMF';
const VARIABLES = 'ovmf-variables.fd';

/**
 * A firmware for one machine: OVMF with variables of its own, as they are on a new PC.
 *
 * @param tree root of the tree with QEMU and OVMF
 * @param folder scratch, and where the sandbox has it
 */
export async function prepareFirmware(
  name: FirmwareName,
  tree: string,
  folder: { readonly outside: string; readonly inside: string },
): Promise<Firmware> {
  if (name === 'bios') return { name };
  await copyFile(join(tree, OVMF, 'OVMF_VARS_4M.fd'), join(folder.outside, VARIABLES));
  return { name, code: join(OVMF, 'OVMF_CODE_4M.fd'), variables: join(folder.inside, VARIABLES) };
}
