/** One installed package, as dpkg's own database has it. */
export type InstalledPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** What its control file says it takes: rounded per file, translations and documentation included. */
  readonly declaredBytes: number;
  readonly section: string;
  /** First line of its description. */
  readonly summary: string;
};

/** Reads /var/lib/dpkg/status; packages that were removed and left their configuration do not count. */
export function parseDpkgStatus(text: string): readonly InstalledPackage[] {
  return text.split(/\n\n+/).flatMap((paragraph): InstalledPackage[] => {
    const field = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1]?.trim() ?? '';
    const name = field('Package');
    if (name === '' || !/\sinstalled$/.test(field('Status'))) return [];
    return [
      {
        name,
        version: field('Version'),
        architecture: field('Architecture'),
        declaredBytes: Number(field('Installed-Size') || 0) * 1024,
        section: field('Section'),
        summary: field('Description'),
      },
    ];
  });
}

/** Key-value lines of /etc/os-release; quotes as the shell has them, escapes left alone. */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const match = /^([A-Z0-9_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    return match === null ? [] : [[match[1] ?? '', match[2] ?? match[3] ?? match[4] ?? '']];
  });
  return Object.fromEntries(pairs);
}
