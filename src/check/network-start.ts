import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import { grubPlace } from '../formats/network-boot/grub-network-cfg.js';
import { IPXE_SCRIPT } from '../formats/network-boot/ipxe-script.js';
import type { Machine, NetworkBoot } from '../model/qemu.js';
import type { FirmwareName } from '../model/qemu-firmware.js';

export const NETWORK_SOURCES = ['http', 'tftp', 'initrd'] as const;
/**
 * How kernel and archives come into the machine: its firmware fetches them by HTTP or by TFTP, or QEMU is given them,
 * as the firmware of a Raspberry Pi would have fetched them.
 */
export type NetworkSource = (typeof NETWORK_SOURCES)[number];

export const NETWORK_LOADER_NAMES = ['ipxe', 'grub'] as const;
/** What a PC's firmware fetches first. */
export type NetworkLoaderName = (typeof NETWORK_LOADER_NAMES)[number];

/** How a machine starts from its network. */
export type NetworkWay = { readonly source: 'http' | 'tftp'; readonly loader: NetworkLoaderName };

/** What QEMU's DHCP server says of itself. */
const SERVER = '10.0.2.2';
/** The folder as its TFTP server has it. */
const OFFERED = 'netboot';

/**
 * The way that was asked for, or the usual one of the machine; undefined: QEMU is given kernel and archives. Throws
 * UserError `network-source-unfit`.
 */
export function networkWay(
  machine: Pick<Machine, 'name' | 'architecture'>,
  { from, loader, firmware }: { from?: NetworkSource; loader?: NetworkLoaderName; firmware?: FirmwareName },
): NetworkWay | undefined {
  const isPc = machine.architecture === 'amd64';
  const source = from ?? (isPc ? 'http' : 'initrd');
  const usual = firmware === 'uefi' ? 'grub' : 'ipxe';
  if (!isPc && source !== 'initrd') {
    throw unfit(`--from ${source}`, `QEMU's ${machine.name} has no firmware that fetches its kernel`, 'Leave it out.');
  }
  const ofFirmware = [...(firmware === undefined ? [] : ['--firmware']), ...(loader === undefined ? [] : ['--loader'])];
  if (source === 'initrd' && ofFirmware.length > 0) {
    const why = 'QEMU is given kernel and archives, and no firmware looks for them';
    throw unfit(ofFirmware.join(' and '), why, isPc ? 'Take --from http.' : 'Leave it out.');
  }
  if (loader === 'ipxe' && firmware === 'uefi') {
    throw unfit('--loader ipxe', 'OVMF has no iPXE, and the folder no program of it', 'Take --loader grub.');
  }
  return source === 'initrd' ? undefined : { source, loader: loader ?? usual };
}

function unfit(option: string, why: string, hint: string): UserError {
  return new UserError('network-source-unfit', `${option} does not fit: ${why}`, { hints: [hint] });
}

/**
 * What a machine's TFTP server offers: GRUB and small scripts that say where the folder is, and then leave all to the
 * folder's own.
 *
 * @param folder empty, for the TFTP server; `inside` is its path in the sandbox
 * @param port of the HTTP server
 * @param extra words for the kernel, beside the folder's own
 */
export async function offerByTftp(
  { source, loader }: NetworkWay,
  firmware: FirmwareName,
  offered: string,
  folder: { readonly outside: string; readonly inside: string },
  port: number,
  extra: readonly string[],
): Promise<NetworkBoot> {
  await mkdir(join(folder.outside, OFFERED), { recursive: true });
  const base = source === 'http' ? `http://${SERVER}:${port}` : `tftp://${SERVER}/${OFFERED}`;
  if (loader === 'ipxe') {
    const script = ['#!ipxe', `set base ${base}`, `set extra ${extra.join(' ')}`, `chain \${base}/${IPXE_SCRIPT}`];
    await writeFile(join(folder.outside, IPXE_SCRIPT), `${script.join('\n')}\n`);
    return { folder: folder.inside, file: IPXE_SCRIPT, byIpxe: true };
  }
  const place = source === 'http' ? grubPlace(base) : `(tftp,${SERVER})/${OFFERED}`;
  const cfg = [`set base="${place}"`, `set extra="${extra.join(' ')}"`, 'source "$base/grub.cfg"'];
  await writeFile(join(folder.outside, 'grub.cfg'), `${cfg.join('\n')}\n`);
  const program = firmware === 'uefi' ? 'grub.efi' : 'grub.0';
  await copyFile(join(offered, program), join(folder.outside, program));
  return { folder: folder.inside, file: program, byIpxe: firmware === 'bios' };
}

/** Where the sandbox shows the folder to the TFTP server. */
export function offeredAt(tftp: string): string {
  return join(tftp, OFFERED);
}
