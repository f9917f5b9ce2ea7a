import { ReswarmError, UserError } from '../errors.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { openFileSystem } from '../formats/file-systems.js';
import type { DiscBootEntry } from '../formats/iso9660/el-torito.js';
import { readBootEntries } from '../formats/iso9660/el-torito.js';
import { readPartitionTable } from '../formats/partition-table.js';
import type { PartitionTable } from '../model/partition-table.js';
import { partitionsEndBytes } from '../model/partition-table.js';
import type { RawImage } from './disk-image.js';

/** What a disc can start from: BIOS and UEFI find it in the boot catalogue. */
export type DiscBoot = DiscBootEntry & {
  /** Its file on the disc; undefined for one that lies outside of its files. */
  readonly path?: string;
  readonly sizeBytes: number;
};

/** An image of a disc: ISO 9660, what firmware starts from it, and the partitions that make it start from a stick too. */
export type Disc = {
  readonly reader: FileSystemReader;
  /** Where the view of its files has it. */
  readonly mount: string;
  readonly boot: readonly DiscBoot[];
  /** The FAT that UEFI starts from. */
  readonly efi?: FileSystemReader;
  readonly table?: PartitionTable;
  readonly warnings: readonly string[];
};

/** Throws ReswarmError `file-system-corrupt`, `file-system-not-read`. */
export async function openDisc(image: RawImage): Promise<Omit<Disc, 'mount'>> {
  const { reader, error } = await openFileSystem(image.read, image.sizeBytes, image.name);
  if (reader === undefined) {
    throw error ?? new ReswarmError('file-system-not-read', `${image.name} is not read: it holds nothing known`);
  }
  const { table, warnings } = await tableOf(image);
  const boot = await bootOf(image, reader, table);
  const efi = boot.find(({ firmware, bootable }) => firmware === 'UEFI' && bootable);
  const fat = efi && (await fatAt(image, efi));
  return {
    reader,
    boot,
    ...(fat === undefined ? {} : { efi: fat }),
    ...(table === undefined ? {} : { table }),
    warnings,
  };
}

/** Firmware of PCs that starts a disc reads no table: a strange one is told, and nothing more. */
async function tableOf({
  read,
  sizeBytes,
}: RawImage): Promise<{ readonly table?: PartitionTable; readonly warnings: readonly string[] }> {
  try {
    const table = await readPartitionTable(read, sizeBytes);
    if (table === undefined) return { warnings: [] };
    if (partitionsEndBytes(table) <= sizeBytes) return { table, warnings: [] };
    return { warnings: ['Its partition table names partitions that end behind it; they are not shown.'] };
  } catch (error) {
    if (error instanceof UserError) return { warnings: [`${error.message}.`] };
    throw error;
  }
}

async function bootOf(
  { read, sizeBytes }: RawImage,
  reader: FileSystemReader,
  table: PartitionTable | undefined,
): Promise<readonly DiscBoot[]> {
  const entries = await readBootEntries(read, sizeBytes);
  if (entries.length === 0) return [];
  const files = new Map<number, { readonly path: string; readonly sizeBytes: number }>();
  for (const file of await reader.entries()) {
    const [place] = file.kind === 'file' && file.sizeBytes > 0 ? await reader.places(file) : [];
    if (place !== undefined) files.set(place.offsetBytes, file);
  }
  return entries.map((entry): DiscBoot => {
    const file = files.get(entry.offsetBytes);
    if (file !== undefined) return { ...entry, path: file.path, sizeBytes: file.sizeBytes };
    const partition = table?.partitions.find(({ offsetBytes }) => offsetBytes === entry.offsetBytes);
    return { ...entry, sizeBytes: partition?.sizeBytes ?? entry.loadedBytes };
  });
}

async function fatAt({ read, name, sizeBytes: all }: RawImage, { offsetBytes, sizeBytes }: DiscBoot) {
  const most = Math.min(sizeBytes, all - offsetBytes);
  if (most <= 0) return undefined;
  const here = (offset: number, size: number) => read(offsetBytes + offset, size);
  const { reader } = await openFileSystem(here, most, `the EFI image of ${name}`);
  return reader?.facts.kind.startsWith('fat') === true ? reader : undefined;
}
