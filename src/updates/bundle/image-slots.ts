import { UserError } from '../../errors.js';
import type { FileSystemReader } from '../../formats/file-system/file-system-reader.js';
import { openFileSystem } from '../../formats/file-systems.js';
import { parseOsRelease } from '../../formats/dpkg-status.js';
import { parseSuperblock, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET } from '../../formats/ext4/superblock.js';
import type { RawImage } from '../../images/disk-image.js';
import type { Partition, PartitionTable } from '../../model/partition-table.js';
import { SEED_FILE_NAMES } from '../../seeds/text/seed.js';

/** Numbers of the partitions of an image with two slots; docs/decisions/ab-updates.md. */
const SELECTOR = 1;
const BOOT = { a: 2, b: 3 } as const;
const ROOT = { a: 5, b: 6 } as const;
/** The device finds again what it has by blocks of this size. */
export const HASHED_BLOCK_BYTES = 4096;
const SYSTEM_CONF = '/etc/rauc/system.conf';
const KEYRING = '/etc/rauc/keyring.pem';
const REBUILD = 'Build the image with --system ab.';
/** Where cloud-init looks for a seed inside a root. */
const SEED_FOLDERS = ['/var/lib/cloud/seed/nocloud', '/var/lib/cloud/seed/nocloud-net'];
/** What makes a Raspberry Pi's firmware start from a partition. */
const FIRMWARE = /^(?:start\w*\.elf|bootcode\.bin|kernel\w*\.img|config\.txt)$/i;

/** What a bundle is made of. */
export type ImageSlots = {
  readonly boot: { readonly offsetBytes: number; readonly sizeBytes: number };
  /** As long as its file system, which may be shorter than its partition. */
  readonly root: { readonly offsetBytes: number; readonly sizeBytes: number };
  /** Such as "reswarm-os-rpi4": only devices of this name take the bundle. */
  readonly compatible: string;
  /** IMAGE_VERSION of the image; undefined where it has none. */
  readonly version: string | undefined;
  /** PEM of the roots that devices with this image will trust. */
  readonly keyring: string;
};

/**
 * Slot A of an image. Throws UserError `bundle-image-gpt`, `bundle-image-one-slot`, `bundle-selector-firmware`,
 * `bundle-slot-too-small`, `bundle-block-size`, `bundle-seed-in-slot`, `bundle-no-rauc`, `bundle-no-keyring`.
 */
export async function readImageSlots(image: RawImage): Promise<ImageSlots> {
  const table = await image.partitions();
  const parts = requireSlots(image.name, table);
  const selector = await readerOf(image, parts.selector);
  const boot = await readerOf(image, parts.boot);
  const root = await readerOf(image, parts.root);
  await requireNoFirmware(image.name, selector);
  const rootBytes = await rootSizeBytes(image, parts.root);
  requireRoom(image.name, 'boot', parts.boot.sizeBytes, parts.boots.b.sizeBytes);
  requireRoom(image.name, 'root', rootBytes, parts.roots.b.sizeBytes);
  await requireNoSeed(image.name, boot, root);
  return {
    boot: { offsetBytes: parts.boot.offsetBytes, sizeBytes: parts.boot.sizeBytes },
    root: { offsetBytes: parts.root.offsetBytes, sizeBytes: rootBytes },
    compatible: await compatibleOf(image.name, root),
    version: parseOsRelease(await textOf(root, '/etc/os-release'))['IMAGE_VERSION'],
    keyring: await keyringOf(image.name, root),
  };
}

function requireSlots(name: string, { scheme, partitions }: PartitionTable) {
  if (scheme === 'gpt') {
    throw new UserError(
      'bundle-image-gpt',
      `${name} has a GPT; a Raspberry Pi switches slots only on a disk with an MBR`,
      {
        hints: [REBUILD],
      },
    );
  }
  const find = (number: number): Partition | undefined => partitions.find((one) => one.number === number);
  const [selector, bootA, bootB, rootA, rootB] = [SELECTOR, BOOT.a, BOOT.b, ROOT.a, ROOT.b].map(find);
  if (!selector || !bootA || !bootB || !rootA || !rootB) {
    const numbers = partitions.map(({ number }) => number).join(', ');
    throw new UserError(
      'bundle-image-one-slot',
      `${name} has no two slots: partitions 1, 2, 3, 5 and 6 are needed, and it has ${numbers}`,
      { hints: [REBUILD] },
    );
  }
  return { selector, boot: bootA, root: rootA, boots: { a: bootA, b: bootB }, roots: { a: rootA, b: rootB } };
}

/** Throws UserError `bundle-image-one-slot` where there is no file system that can be read. */
async function readerOf(image: RawImage, { number, offsetBytes, sizeBytes }: Partition): Promise<FileSystemReader> {
  const name = `partition ${number} of ${image.name}`;
  const found = await openFileSystem((offset, size) => image.read(offsetBytes + offset, size), sizeBytes, name);
  if (found.reader !== undefined) return found.reader;
  throw (
    found.error ??
    new UserError('bundle-image-one-slot', `The ${name} holds no file system; slot A is there`, { hints: [REBUILD] })
  );
}

/** The firmware would start from partition 1 itself, without looking for a slot. */
async function requireNoFirmware(name: string, selector: FileSystemReader): Promise<void> {
  const names = ((await selector.list('/')) ?? []).map(({ path }) => path.slice(1));
  const firmware = names.filter((file) => FIRMWARE.test(file));
  if (firmware.length === 0) return;
  throw new UserError(
    'bundle-selector-firmware',
    `Partition 1 of ${name} holds ${firmware.join(', ')}: the firmware would start from it and not from a slot`,
    { hints: ['Partition 1 holds autoboot.txt and the seed only. Remove these files, or build the image again.'] },
  );
}

async function rootSizeBytes(image: RawImage, { offsetBytes }: Partition): Promise<number> {
  const superblock = parseSuperblock(await image.read(offsetBytes + SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES));
  if (superblock.blockBytes !== HASHED_BLOCK_BYTES) {
    throw new UserError(
      'bundle-block-size',
      `The root of ${image.name} has blocks of ${superblock.blockBytes} bytes, and small updates need ${HASHED_BLOCK_BYTES}`,
      { hints: [REBUILD] },
    );
  }
  return superblock.blocks * superblock.blockBytes;
}

function requireRoom(name: string, what: string, contentBytes: number, slotBytes: number): void {
  if (contentBytes <= slotBytes) return;
  throw new UserError(
    'bundle-slot-too-small',
    `The ${what} of ${name} takes ${contentBytes} bytes, and slot B has ${slotBytes}: no device of it could take the update`,
    { hints: ['Make both slots of the same size in the system definition, and build the image again.'] },
  );
}

/** Names, keys and password hashes of one device would go to all of them. */
async function requireNoSeed(name: string, boot: FileSystemReader, root: FileSystemReader): Promise<void> {
  const seedNames: readonly string[] = Object.values(SEED_FILE_NAMES);
  const inBoot = ((await boot.list('/')) ?? [])
    .map(({ path }) => path)
    .filter((path) => seedNames.includes(path.slice(1)));
  const inRoot = (await Promise.all(SEED_FOLDERS.map(async (folder) => (await root.list(folder)) ?? []))).flatMap(
    (entries) => entries.map(({ path }) => path),
  );
  const found = [...inBoot.map((path) => `${path} in partition 2`), ...inRoot.map((path) => `${path} in partition 5`)];
  if (found.length === 0) return;
  throw new UserError(
    'bundle-seed-in-slot',
    `A slot of ${name} holds a seed, which would go to every device: ${found.join(', ')}`,
    {
      hints: ['The seed belongs on partition 1. Build the image again, and give devices theirs with inject.'],
    },
  );
}

async function compatibleOf(name: string, root: FileSystemReader): Promise<string> {
  const compatible = /^compatible=(.+)$/m.exec(await textOf(root, SYSTEM_CONF))?.[1]?.trim();
  if (compatible !== undefined) return compatible;
  throw new UserError(
    'bundle-no-rauc',
    `The root of ${name} has no ${SYSTEM_CONF} that names what it is compatible with`,
    {
      hints: [REBUILD],
    },
  );
}

async function keyringOf(name: string, root: FileSystemReader): Promise<string> {
  const keyring = await textOf(root, KEYRING);
  if (keyring.includes('BEGIN CERTIFICATE')) return keyring;
  throw new UserError(
    'bundle-no-keyring',
    `The root of ${name} has no ${KEYRING}: a device that installs it takes no later update`,
    {
      hints: ['Build it with --update-keyring KEYS/root.pem.'],
    },
  );
}

async function textOf(reader: FileSystemReader, path: string): Promise<string> {
  return (await reader.readFile(path))?.toString('utf8') ?? '';
}
