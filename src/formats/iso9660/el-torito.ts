import type { ReadAt } from '../../model/read-at.js';
import { readDescriptors } from './descriptors.js';

/** One thing that firmware can start from a disc. */
export type DiscBootEntry = {
  readonly firmware: 'BIOS' | 'UEFI' | 'other';
  readonly bootable: boolean;
  readonly offsetBytes: number;
  /** As the catalogue says; firmware of PCs loads so much and no more, UEFI looks for itself. */
  readonly loadedBytes: number;
};

const ENTRY_BYTES = 32;
const CATALOGUE_BYTES = 2048;
const VALIDATION = 1;
const BOOTABLE = 0x88;
const SECTION = 0x90;
const LAST_SECTION = 0x91;
const EXTENSION = 0x44;
const SECTOR_BYTES = 512;
const FIRMWARE: Readonly<Record<number, DiscBootEntry['firmware']>> = { 0: 'BIOS', 0xef: 'UEFI' };

/** The boot catalogue ("El Torito", 1995, and UEFI 13.3.2.1); empty for a disc that starts nothing. */
export async function readBootEntries(read: ReadAt, sizeBytes: number): Promise<readonly DiscBootEntry[]> {
  const { bootCatalogue, blockBytes } = await readDescriptors(read, sizeBytes);
  if (bootCatalogue === undefined) return [];
  const bytes = Buffer.from(await read(bootCatalogue * blockBytes, CATALOGUE_BYTES));
  if (bytes[0] !== VALIDATION || bytes[30] !== 0x55 || bytes[31] !== 0xaa) return [];
  const entryAt = (at: number, platform: number): DiscBootEntry => ({
    firmware: FIRMWARE[platform] ?? 'other',
    bootable: bytes[at] === BOOTABLE,
    offsetBytes: bytes.readUInt32LE(at + 8) * blockBytes,
    loadedBytes: bytes.readUInt16LE(at + 6) * SECTOR_BYTES,
  });
  const entries = [entryAt(ENTRY_BYTES, bytes[1] ?? 0)];
  for (let at = 2 * ENTRY_BYTES; at + ENTRY_BYTES <= bytes.length;) {
    const header = bytes[at];
    if (header !== SECTION && header !== LAST_SECTION) break;
    const platform = bytes[at + 1] ?? 0;
    const count = bytes.readUInt16LE(at + 2);
    at += ENTRY_BYTES;
    for (let left = count; left > 0 && at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      if (bytes[at] === EXTENSION) continue;
      entries.push(entryAt(at, platform));
      left -= 1;
    }
    if (header === LAST_SECTION) break;
  }
  return entries;
}
