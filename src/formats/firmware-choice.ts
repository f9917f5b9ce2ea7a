import { parse } from 'ini';

/** Which files of the FAT partition the Raspberry Pi's firmware would start with. */
export type BootFiles = { readonly kernel: string; readonly commandLine: string; readonly prefix: string };

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
  };
}
