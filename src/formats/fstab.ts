/** Where an fstab mounts its FAT: "/boot", or "/boot/firmware" as Raspberry Pi OS has it; undefined when it names none. */
export function fatMountPoint(fstab: string): string | undefined {
  for (const line of fstab.split('\n')) {
    const [, mount, kind] = line.trim().split(/\s+/);
    if (line.trim().startsWith('#') || mount === undefined) continue;
    if ((kind === 'vfat' || kind === 'msdos') && /^\/[^/]/.test(mount)) return mount.replace(/\/+$/, '');
  }
  return undefined;
}
