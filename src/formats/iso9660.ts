import type { ReadAt } from '../model/read-at.js';

/** The first volume descriptor is sector 16 of 2048 bytes (ECMA-119, 7.2): its type, then "CD001". */
export const DESCRIPTOR_OFFSET = 16 * 2048;
const IDENTIFIER = 'CD001';

/** Whether the bytes are those of a disc; it may have a partition table too, to start from a USB stick. */
export async function isDisc(read: ReadAt): Promise<boolean> {
  const bytes = await read(DESCRIPTOR_OFFSET, 1 + IDENTIFIER.length);
  return Buffer.from(bytes.subarray(1)).toString('latin1') === IDENTIFIER;
}
