import type { BootParts, RootArchive } from './boot-method.js';
import type { BootFile } from './boot-tree.js';
import { configTxt, kernelCommandLine, raspberryPi } from './raspberry-pi.js';
import { startsByGrub } from './grub.js';
import { UserError } from '../errors.js';
import { DNSMASQ_CONF, dnsmasqConf } from '../formats/network-boot/dnsmasq-conf.js';
import { grubNetworkCfg } from '../formats/network-boot/grub-network-cfg.js';
import { IPXE_SCRIPT, ipxeScript } from '../formats/network-boot/ipxe-script.js';
import type { NetworkStart } from '../formats/network-boot/network-start.js';
import { PXELINUX_DEFAULT, pxelinuxCfg } from '../formats/network-boot/pxelinux-cfg.js';
import type { Board } from '../model/board.js';

/** GRUB for a BIOS and for UEFI, in the folder. */
export const NETWORK_LOADERS = { bios: 'grub.0', uefi: 'grub.efi' } as const;

export type NetworkParts = BootParts & {
  readonly network?: { readonly key: string; readonly bios: string; readonly uefi: string } | undefined;
};

type NetworkOptions = {
  /** Name of the archive with the seed; undefined for a system that reads none. */
  readonly seed?: string | undefined;
  /** Where the folder will be offered by HTTP. */
  readonly base?: string | undefined;
};

/**
 * What a server has to offer so that a board starts from its network: the files of a boot partition, of which the
 * firmware of the Raspberry Pi asks for each by TFTP, and for PCs GRUB and the scripts of iPXE, GRUB and PXELINUX. The
 * kernel gets the seed as an archive of its own, in front of the root's. Throws UserError
 * `command-line-not-for-network`.
 */
export function networkBootFiles(
  board: Board,
  parts: NetworkParts,
  archive: RootArchive,
  { seed, base }: NetworkOptions,
): readonly BootFile[] {
  const commandLine = networkCommandLine(board, archive);
  const archives = [...(seed === undefined ? [] : [seed]), archive.name];
  const start = { kernel: board.kernel.image.name, archives: [archive.name], seed, commandLine, base };
  const texts: Readonly<Record<string, string>> = {
    'config.txt': configTxt(board, { archive: { name: archives.join(',') } }),
    'cmdline.txt': `${commandLine}\n`,
  };
  const loaders = parts.network === undefined ? undefined : NETWORK_LOADERS;
  return [
    ...raspberryPi.files({ board }, parts, archive).map((file) => {
      const text = texts[file.name];
      return text === undefined ? file : { name: file.name, text };
    }),
    ...(parts.network === undefined ? [] : pcFiles(parts.network, start)),
    { name: DNSMASQ_CONF, text: dnsmasqConf({ forRaspberryPi: isRaspberryPi(board), loaders, base }) },
  ];
}

function pcFiles(network: NonNullable<NetworkParts['network']>, start: NetworkStart): readonly BootFile[] {
  return [
    { name: NETWORK_LOADERS.bios, source: network.bios, digest: `${network.key}/bios` },
    { name: NETWORK_LOADERS.uefi, source: network.uefi, digest: `${network.key}/uefi` },
    { name: 'grub.cfg', text: grubNetworkCfg(start) },
    { name: IPXE_SCRIPT, text: ipxeScript(start) },
    { name: PXELINUX_DEFAULT, text: pxelinuxCfg(start) },
  ];
}

/**
 * Started from the network, the firmware of the Raspberry Pi may put `8250.nr_uarts=0` in front, which leaves no serial
 * console (raspberrypi/firmware#1575); the kernel takes the last one. Four is its own default.
 */
function networkCommandLine(board: Board, archive: RootArchive): string {
  const hasMiniUart = isRaspberryPi(board) && board.consoles.some((console) => console.startsWith('ttyS'));
  return [...kernelCommandLine(archive, board), ...(hasMiniUart ? ['8250.nr_uarts=4'] : [])].join(' ');
}

export function isRaspberryPi({ models }: Pick<Board, 'models'>): boolean {
  return models.some((model) => model.startsWith('Raspberry Pi'));
}

/** Whether GRUB has to be made for a board's network boot. */
export const needsNetworkLoader = startsByGrub;

/**
 * Throws UserError `board-without-network-boot` where none of a board's models starts from a network.
 *
 * @param without those of its models that have no Ethernet of their own
 */
export function requireNetworkBoard({ id, models }: Pick<Board, 'id' | 'models'>, without: readonly string[]): void {
  if (models.some((model) => !without.includes(model))) return;
  const message = `The board ${id} does not start from a network: ${models.join(' and ')} has no Ethernet`;
  throw new UserError('board-without-network-boot', message, {
    hints: ['Write an image for its card: --output NAME.img'],
  });
}
