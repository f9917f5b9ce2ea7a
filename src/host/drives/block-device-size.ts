import { readFile } from 'node:fs/promises';

/**
 * Size of a block device, as the kernel knows it.
 * @param rdev as `stat` gives it; glibc's makedev puts 12 bits of the major and 20 of the minor number into it
 */
export async function blockDeviceBytes(rdev: number): Promise<number | undefined> {
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  const sectors = await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8').catch(() => undefined);
  // Always in units of 512 bytes, whatever the device's own sectors are.
  return sectors === undefined ? undefined : Number(sectors) * 512;
}
