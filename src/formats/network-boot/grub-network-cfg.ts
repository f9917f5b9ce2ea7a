import type { NetworkStart } from './network-start.js';
import { plainCommandLine } from './network-start.js';

/** GRUB's name for the folder behind an address: "(http,192.168.1.5:8080)/netboot". Undefined for other protocols. */
export function grubPlace(base: string): string | undefined {
  if (!URL.canParse(base)) return undefined;
  const { protocol, host, pathname } = new URL(base);
  return protocol === 'http:' ? `(http,${host})${pathname.replace(/\/+$/, '')}` : undefined;
}

const MAC_PARTS = ['a', 'b', 'c', 'd', 'e', 'f'];

/**
 * The grub.cfg of a PC that GRUB was started on by the network. `base` and `extra` may be set by whoever reads it: where
 * the files are, and more words for the kernel. Throws UserError `command-line-not-for-network`.
 */
export function grubNetworkCfg({ kernel, archives, seed, commandLine, base }: NetworkStart): string {
  const place = (base === undefined ? undefined : grubPlace(base)) ?? '$prefix';
  const others = archives.map((name) => `"$base/${name}"`).join(' ');
  const lines = [
    '# Read by GRUB when a PC starts it from the network. By default the files are where GRUB came from.',
    `if [ -z "$base" ]; then set base="${place}"; fi`,
    `linux "$base/${kernel}" ${plainCommandLine(commandLine).split(' ').map(quoted).join(' ')} $extra`,
    ...(seed === undefined ? [`initrd ${others}`] : withSeed(seed, others)),
    'boot',
  ];
  return `${lines.join('\n')}\n`;
}

/** TFTP has no list of what is there, so the only question is to ask for the file. */
function withSeed(seed: string, others: string): readonly string[] {
  const groups = MAC_PARTS.map((part, index) => `--set=${index + 1}:${part}`).join(' ');
  const pattern = MAC_PARTS.map(() => '(..)').join(':');
  return [
    '# A device with a seed of its own has a folder that is named after its MAC address.',
    `regexp ${groups} '^${pattern}$' "$net_default_mac"`,
    `set device="$base/${MAC_PARTS.map((part) => `$${part}`).join('-')}"`,
    `if initrd "$device/${seed}" ${others}; then true; else initrd "$base/${seed}" ${others}; fi`,
  ];
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_.,:/=@+%-]+$/.test(word) ? word : `'${word}'`;
}
