/** Which files of the FAT partition the Raspberry Pi's firmware would start with. */
export type BootFiles = { readonly kernel: string; readonly commandLine: string; readonly prefix: string };

/**
 * Reads what matters here from config.txt: `kernel`, `cmdline` and `os_prefix`, where they stand before the first
 * section or under [all]. The last one counts, as in the firmware (raspberrypi/documentation, config_txt/boot.adoc).
 * Without a `kernel` line a 64-bit firmware takes kernel8.img.
 */
export function bootFilesOf(configTxt: string): BootFiles {
  const settings = new Map<string, string>();
  let applies = true;
  for (const raw of configTxt.split(/\r?\n/)) {
    const line = raw.replace(/#.*$/, '').trim();
    const section = /^\[(.+)\]$/.exec(line);
    if (section !== null) applies = section[1] === 'all';
    const setting = /^(\w+)=(.*)$/.exec(line);
    if (applies && setting !== null) settings.set(setting[1] ?? '', (setting[2] ?? '').trim());
  }
  const prefix = settings.get('os_prefix') ?? '';
  // An absolute path bypasses the prefix.
  const inPrefix = (name: string): string => (name.startsWith('/') ? name.slice(1) : prefix + name);
  return {
    kernel: inPrefix(settings.get('kernel') ?? 'kernel8.img'),
    commandLine: inPrefix(settings.get('cmdline') ?? 'cmdline.txt'),
    prefix,
  };
}
