import type { NetworkStart } from './network-start.js';
import { plainCommandLine } from './network-start.js';

export const IPXE_SCRIPT = 'boot.ipxe';

/**
 * The script that iPXE runs (https://ipxe.org/scripting). `base` and `extra` may be set before it is chained to: where
 * the files are, and more words for the kernel. Throws UserError `command-line-not-for-network`.
 */
export function ipxeScript({ kernel, archives, seed, commandLine, base = '.' }: NetworkStart): string {
  const lines = [
    '#!ipxe',
    '# Run by iPXE. Where the files are: by default beside this script. iPXE reads by HTTP many times faster than by TFTP.',
    `isset \${base} || set base ${base}`,
    ...(seed === undefined ? [] : ['# A device with a seed of its own has a folder that is named after its MAC address.']),
    ...(seed === undefined ? [] : ['set device ${base}/${netX/mac:hexhyp}']),
    // UEFI's kernels ask for their archives by a name that iPXE has for all of them together.
    `kernel \${base}/${kernel} initrd=initrd.magic ${plainCommandLine(commandLine)} \${extra} || goto failed`,
    ...(seed === undefined ? [] : [`initrd \${device}/${seed} || initrd \${base}/${seed} || goto failed`]),
    ...archives.map((name) => `initrd \${base}/${name} || goto failed`),
    'boot || goto failed',
    '',
    ':failed',
    'echo This machine could not be started from ${base}. Trying again in 10 seconds.',
    'sleep 10',
    'reboot',
  ];
  return `${lines.join('\n')}\n`;
}
