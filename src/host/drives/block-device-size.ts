import { readFile } from 'node:fs/promises';

/**
 * Size of a block device, as the kernel knows it.
 * @param rdev as `stat` gives it
 */
export async function blockDeviceBytes(rdev: number): Promise<number | undefined> {
  const sectors = await numberIn(rdev, 'size');
  // Always in units of 512 bytes, whatever the device's own sectors are.
  return sectors === undefined ? undefined : sectors * 512;
}

/** The unit that its partition table counts in; undefined for a partition, which has no queue of its own. */
export async function blockDeviceSectorBytes(rdev: number): Promise<number | undefined> {
  return numberIn(rdev, 'queue/logical_block_size');
}

/** glibc's makedev puts 12 bits of the major and 20 of the minor number into `rdev`. */
async function numberIn(rdev: number, file: string): Promise<number | undefined> {
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  const text = await readFile(`/sys/dev/block/${major}:${minor}/${file}`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}
