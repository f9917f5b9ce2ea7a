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

/** Where an fstab mounts its FAT: "/boot", or "/boot/firmware" as Raspberry Pi OS has it; undefined when it names none. */
export function fatMountPoint(fstab: string): string | undefined {
  for (const line of fstab.split('\n')) {
    const [, mount, kind] = line.trim().split(/\s+/);
    if (line.trim().startsWith('#') || mount === undefined) continue;
    if ((kind === 'vfat' || kind === 'msdos') && /^\/[^/]/.test(mount)) return mount.replace(/\/+$/, '');
  }
  return undefined;
}
