import { parse } from 'ini';

/** Which files of the FAT partition the Raspberry Pi's firmware would start with. */
export type BootFiles = {
  readonly kernel: string;
  readonly commandLine: string;
  readonly prefix: string;
  /** Loaded one behind the other; empty where config.txt names none. */
  readonly initramfs: readonly string[];
};

/**
 * Reads what matters here from config.txt: `kernel`, `cmdline` and `os_prefix`, where they stand before the first
 * section or under [all]. The last one counts, as in the firmware (raspberrypi/documentation, config_txt/boot.adoc).
 * Without a `kernel` line a 64-bit firmware takes kernel8.img.
 */
export function bootFilesOf(configTxt: string): BootFiles {
  const { all, ...first } = parse(configTxt) as Readonly<Record<string, unknown>>;
  const settings: Readonly<Record<string, unknown>> = { ...first, ...(typeof all === 'object' ? all : {}) };
  const setting = (name: string): string | undefined => {
    const value = settings[name];
    return typeof value === 'string' ? value : undefined;
  };
  const prefix = setting('os_prefix') ?? '';
  // An absolute path bypasses the prefix.
  const inPrefix = (name: string): string => (name.startsWith('/') ? name.slice(1) : prefix + name);
  return {
    kernel: inPrefix(setting('kernel') ?? 'kernel8.img'),
    commandLine: inPrefix(setting('cmdline') ?? 'cmdline.txt'),
    prefix,
    initramfs: initramfsNames(configTxt).map(inPrefix),
  };
}

/**
 * `initramfs NAME[,NAME…] [followkernel]`, the one setting without a "="; as before, outside of sections and under [all].
 */
function initramfsNames(configTxt: string): readonly string[] {
  let names: readonly string[] = [];
  let counts = true;
  for (const line of configTxt.split(/\r?\n/)) {
    const section = /^\s*\[(.*)\]/.exec(line)?.[1];
    if (section !== undefined) counts = section.toLowerCase() === 'all';
    const list = /^\s*(?:initramfs\s+|ramfsfile\s*=\s*)([^\s#]+)/.exec(line)?.[1];
    if (counts && list !== undefined) names = list.split(',').filter((name) => name !== '');
  }
  return names;
}
