import type { NetworkStart } from './network-start.js';
import { plainCommandLine } from './network-start.js';

/** GRUB's name for the folder behind an address: "(http,192.168.1.5:8080)/netboot". Undefined for other protocols. */
export function grubPlace(base: string): string | undefined {
  if (!URL.canParse(base)) return undefined;
  const { protocol, host, pathname } = new URL(base);
  return protocol === 'http:' ? `(http,${host})${pathname.replace(/\/+$/, '')}` : undefined;
}

/**
 * The grub.cfg of a PC that GRUB was started on by the network. `base` and `extra` may be set by whoever reads it: where
 * the files are, and more words for the kernel. Throws UserError `command-line-not-for-network`.
 */
export function grubNetworkCfg({ kernel, archives, seed, commandLine, base }: NetworkStart): string {
  const place = (base === undefined ? undefined : grubPlace(base)) ?? '$prefix';
  const files = [...(seed === undefined ? [] : ['"$seed"']), ...archives.map((name) => `"$base/${name}"`)];
  const lines = [
    '# Read by GRUB when a PC starts it from the network. By default the files are where GRUB came from.',
    `if [ -z "$base" ]; then set base="${place}"; fi`,
    ...(seed === undefined ? [] : [`set seed="$base/${seed}"`]),
    `linux "$base/${kernel}" ${plainCommandLine(commandLine).split(' ').map(quoted).join(' ')} $extra`,
    `initrd ${files.join(' ')}`,
    'boot',
  ];
  return `${lines.join('\n')}\n`;
}

const SEED_LINE = /^set seed="\$base\/([^"\n]+)"\n/m;
const DEVICE_LINES = /^if \[ "\$net_default_mac" = .*\n/gm;

/**
 * The same file with devices that have a seed of their own, by their folders ("52-54-00-12-34-56"); those that it named
 * before are gone. They are listed, because GRUB goes on without a file that an HTTP server does not have.
 */
export function withGrubDevices(grubCfg: string, folders: readonly string[]): string {
  return grubCfg.replaceAll(DEVICE_LINES, '').replace(SEED_LINE, (line: string, seed: string) => {
    const own = folders.map((folder) => {
      const mac = folder.replaceAll('-', ':');
      return `if [ "$net_default_mac" = "${mac}" ]; then set seed="$base/${folder}/${seed}"; fi\n`;
    });
    return line + own.join('');
  });
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_.,:/=@+%-]+$/.test(word) ? word : `'${word}'`;
}
