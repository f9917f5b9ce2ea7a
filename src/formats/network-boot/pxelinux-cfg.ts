import type { NetworkStart } from './network-start.js';
import { plainCommandLine } from './network-start.js';

const FOLDER = 'pxelinux.cfg';
export const PXELINUX_DEFAULT = `${FOLDER}/default`;

/**
 * What PXELINUX reads (https://wiki.syslinux.org, PXELINUX and Config). Paths without a slash begin at the folder of
 * pxelinux.0, which is no part of the output. Throws UserError `command-line-not-for-network`.
 *
 * @param seedFolder of a device with a seed of its own: "52-54-00-12-34-56"
 */
export function pxelinuxCfg({ kernel, archives, seed, commandLine }: NetworkStart, seedFolder?: string): string {
  const seeds = seed === undefined ? [] : [seedFolder === undefined ? seed : `${seedFolder}/${seed}`];
  const lines = [
    '# Read by PXELINUX; put its pxelinux.0 and ldlinux.c32 beside the kernel.',
    'DEFAULT reswarm',
    'LABEL reswarm',
    `  KERNEL ${kernel}`,
    `  INITRD ${[...seeds, ...archives].join(',')}`,
    `  APPEND ${plainCommandLine(commandLine)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** What PXELINUX asks for before the default: the type of Ethernet, and the MAC address "52-54-00-12-34-56". */
export function pxelinuxDeviceCfg(mac: string): string {
  return `${FOLDER}/01-${mac}`;
}
