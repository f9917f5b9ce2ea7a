/** One line of /etc/fstab. */
export type FstabRow = {
  /** `PARTUUID=…` */
  readonly source: string;
  readonly mount: string;
  readonly type: string;
  readonly options: string;
  /** Order of checks at boot: 1 for the root, 2 for others, 0 for none. */
  readonly pass: number;
};

/** Text of /etc/fstab. */
export function formatFstab(rows: readonly FstabRow[]): string {
  const lines = rows.map(
    ({ source, mount, type, options, pass }) => `${source} ${mount} ${type} ${options} 0 ${pass}\n`,
  );
  return lines.join('');
}

/** What an fstab mounts: rows without a mount point of their own (swap, `none`) are left out. */
export function parseFstab(text: string): readonly Pick<FstabRow, 'source' | 'mount' | 'type'>[] {
  return text.split('\n').flatMap((line) => {
    const [source = '', mount = '', type = ''] = line.trim().split(/\s+/);
    return source.startsWith('#') || !mount.startsWith('/') ? [] : [{ source, mount, type }];
  });
}

/** Where an fstab mounts its FAT: "/boot", or "/boot/firmware" as Raspberry Pi OS has it; undefined when it names none. */
export function fatMountPoint(fstab: string): string | undefined {
  const isFat = ({ mount, type }: Pick<FstabRow, 'mount' | 'type'>): boolean =>
    (type === 'vfat' || type === 'msdos') && /^\/[^/]/.test(mount);
  return parseFstab(fstab).find(isFat)?.mount.replace(/\/+$/, '');
}
