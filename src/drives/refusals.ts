import type { BlockDevice, DeviceUse } from '../host/drives/block-device.js';
import { formatSize, GiB } from '../model/bytes.js';
import { deviceText } from '../host/drives/device-text.js';
import { isAtOrBelow } from '../host/drives/mount-table.js';

/** Why a device is not written to. Stable: scripts and tests match on it; docs/writing-to-cards.md explains each. */
export type RefusalReason =
  | 'running-system'
  | 'mounted'
  | 'in-use'
  | 'member'
  | 'holds-image'
  | 'partition'
  | 'not-a-drive'
  | 'loop-not-named'
  | 'no-medium'
  | 'read-only'
  | 'sector-size'
  | 'too-small'
  | 'too-large'
  | 'built-in'
  | 'system-unknown';

export type Refusal = { readonly reason: RefusalReason; readonly message: string; readonly hint: string };

/** What a device is wanted for. */
export type DeviceNeed = {
  /** Bytes that must fit on it; undefined while that is not known. */
  readonly sizeBytes?: number;
  /** What the image's partition table counts in; default: 512. */
  readonly sectorSizeBytes?: number | 'unknown';
  /** Files that are read while it is written, and the numbers of the devices they lie on. */
  readonly images?: readonly { readonly path: string; readonly devices: readonly string[] }[];
  /** A person named this very device, it was not only found. */
  readonly isNamed?: boolean;
  readonly allowLarge?: boolean;
  readonly allowBuiltIn?: boolean;
};

/**
 * Drives larger than this are hard disks with somebody's data more often than cards: a card sold as 256 GB has
 * 238 GiB, the smallest USB hard disks on sale have 298 GiB.
 */
export const LARGEST_CARD_BYTES = 256 * GiB;

/** Most images' partition tables count in sectors of this size; a drive with others would look for it elsewhere. */
const SECTOR_BYTES = 512;

/** Every reason why a device is not written to; none of them means that it may. What is unknown is a reason. */
export function deviceRefusals(device: BlockDevice, need: DeviceNeed): readonly Refusal[] {
  return RULES.map((rule) => rule(device, need)).filter((refusal) => refusal !== undefined);
}

type Rule = (device: BlockDevice, need: DeviceNeed) => Refusal | undefined;

function holdsRunningSystem({ uses }: BlockDevice): Refusal | undefined {
  const system = uses.filter((use) => use.type === 'swap' || (use.type === 'mount' && isOfSystem(use.mountPoint)));
  if (system.length === 0) return undefined;
  return {
    reason: 'running-system',
    message: `holds the running system: ${listUses(system)}`,
    hint: 'Choose another drive; the one that this machine runs from is never written to.',
  };
}

/** Folders that belong to a system with all that is in them, those of live systems too. */
const SYSTEM_FOLDERS = [
  ...[
    '/boot',
    '/efi',
    '/etc',
    '/opt',
    '/srv',
    '/usr',
    '/var',
    '/bin',
    '/lib',
    '/sbin',
    '/nix',
    '/gnu',
    '/snap',
    '/ostree',
    '/sysroot',
  ],
  ...[
    '/cdrom',
    '/isodevice',
    '/lib/live',
    '/mnt/wslg',
    '/run/live',
    '/run/initramfs',
    '/run/archiso',
    '/run/rootfsbase',
  ],
];
/** What is mounted at these is a part of the system; what is mounted in a folder below them a user has plugged in. */
const SYSTEM_MOUNT_POINTS = /^\/(?:home(?:\/[^/]+)?|root|tmp)?$/;

function isOfSystem(mountPoint: string): boolean {
  return SYSTEM_MOUNT_POINTS.test(mountPoint) || SYSTEM_FOLDERS.some((folder) => isAtOrBelow(mountPoint, folder));
}

function isMounted({ uses, path }: BlockDevice): Refusal | undefined {
  const mounts = uses.filter((use) => use.type === 'mount' && !isOfSystem(use.mountPoint));
  const [first] = mounts;
  if (first === undefined) return undefined;
  return {
    reason: 'mounted',
    message: `is mounted: ${listUses(mounts)}`,
    hint: `If ${path} is the right one: sudo umount /dev/${first.device}`,
  };
}

function isUsed({ uses }: BlockDevice): Refusal | undefined {
  const holders = uses.filter((use) => use.type === 'holder');
  if (holders.length === 0) return undefined;
  return {
    reason: 'in-use',
    message: `is in use: ${listUses(holders)}`,
    hint: 'A volume, an array, an opened encryption or a loop device lies on it. Close that first if this is the right drive.',
  };
}

/** Signatures of a part of something larger: gone, the rest may be worth nothing either. */
const MEMBERS = /^(?:.*_member|bcache|drbd|ceph_bluestore|vmfs|stratis|vdo|dm_.*)$/i;

function isMember({ contents, path }: BlockDevice): Refusal | undefined {
  const members = contents.filter(({ fileSystem, spansDrives }) => spansDrives === true || MEMBERS.test(fileSystem));
  if (members.length === 0) return undefined;
  const names = members.map(({ device, fileSystem }) => `${device} (${fileSystem})`);
  return {
    reason: 'member',
    message: `is a part of something larger: ${list(names)}`,
    hint: `Take it out of its array or volume group first; if nothing there is needed any more, \`sudo wipefs --all\` on the device and on its partitions makes ${path} an empty drive.`,
  };
}

function holdsImage({ stack }: BlockDevice, { images = [] }: DeviceNeed): Refusal | undefined {
  const found = images.find(({ devices }) => devices.some((device) => stack.includes(device)));
  if (found === undefined) return undefined;
  return {
    reason: 'holds-image',
    message: `holds what is to be read while it is written: ${found.path}`,
    hint: 'Move the file to another drive, or choose another target.',
  };
}

function isPartition({ kind, disk }: BlockDevice): Refusal | undefined {
  if (kind !== 'partition') return undefined;
  return {
    reason: 'partition',
    message: `is a partition, and an image has a partition table of its own`,
    hint: disk === undefined ? 'Name the whole drive.' : `Name the whole drive: ${disk}`,
  };
}

const NOT_DRIVES: Partial<Record<BlockDevice['kind'], string>> = {
  mapped: 'is a volume or an array made by this machine (device mapper, RAID), not a drive',
  optical: 'is an optical drive',
  floppy: 'is a floppy disk drive',
  memory: 'lies in the memory of this machine (RAM disk, zram)',
  'emmc-area': 'is a special area of an eMMC, not a drive',
  unknown: 'is of a kind that is not known to be a drive',
};

function isNoDrive({ kind }: BlockDevice): Refusal | undefined {
  const message = NOT_DRIVES[kind];
  if (message === undefined) return undefined;
  return { reason: 'not-a-drive', message, hint: '`reswarm-os devices` lists the drives that could be written.' };
}

function isLoopNotNamed({ kind, path }: BlockDevice, { isNamed }: DeviceNeed): Refusal | undefined {
  if (kind !== 'loop' || isNamed === true) return undefined;
  return {
    reason: 'loop-not-named',
    message: 'is a loop device: a file, not a drive',
    hint: `It is written to when it is named: ${path}`,
  };
}

function hasNoMedium({ sizeBytes, kind }: BlockDevice): Refusal | undefined {
  if (sizeBytes !== undefined && sizeBytes > 0) return undefined;
  return {
    reason: 'no-medium',
    message: sizeBytes === undefined ? 'has no known size' : 'has no medium: its size is 0',
    hint: kind === 'loop' ? 'Attach a file to it: losetup.' : 'Insert a card.',
  };
}

function isReadOnly({ readOnly }: BlockDevice): Refusal | undefined {
  if (readOnly === false) return undefined;
  return {
    reason: 'read-only',
    message: readOnly === true ? 'is read-only' : 'may be read-only: nothing says that it is not',
    hint: 'SD cards and adapters have a lock switch at their side; a worn-out card turns read-only by itself.',
  };
}

function hasOtherSectors({ sectorSizeBytes = SECTOR_BYTES }: BlockDevice, need: DeviceNeed): Refusal | undefined {
  const { sectorSizeBytes: wanted = SECTOR_BYTES } = need;
  if (wanted === 'unknown' || sectorSizeBytes === wanted) return undefined;
  return {
    reason: 'sector-size',
    message: `has sectors of ${sectorSizeBytes} bytes, the image has ${wanted}`,
    hint:
      wanted === SECTOR_BYTES
        ? 'Its partition table would be read wrongly; memory cards and USB sticks have sectors of 512 bytes.'
        : `Its partition table would be read wrongly: take an image for sectors of ${sectorSizeBytes} bytes, or a drive with ${wanted}.`,
  };
}

function isTooSmall({ sizeBytes = 0 }: BlockDevice, need: DeviceNeed): Refusal | undefined {
  if (need.sizeBytes === undefined || sizeBytes === 0 || sizeBytes >= need.sizeBytes) return undefined;
  return {
    reason: 'too-small',
    message: `is too small: it has ${exactSize(sizeBytes)}, the image needs ${exactSize(need.sizeBytes)}`,
    hint: 'Use a larger card.',
  };
}

function isTooLarge({ sizeBytes = 0, path }: BlockDevice, { allowLarge }: DeviceNeed): Refusal | undefined {
  if (sizeBytes <= LARGEST_CARD_BYTES || allowLarge === true) return undefined;
  return {
    reason: 'too-large',
    message: `is implausibly large for a card: ${exactSize(sizeBytes)}, more than ${formatSize(LARGEST_CARD_BYTES)}`,
    hint: `If ${path} really is to be overwritten, add --allow-large.`,
  };
}

function isBuiltIn(device: BlockDevice, { allowBuiltIn }: DeviceNeed): Refusal | undefined {
  if (!looksBuiltIn(device) || allowBuiltIn === true) return undefined;
  const bus = device.bus === undefined ? '' : ` (${device.bus})`;
  return {
    reason: 'built-in',
    message: `is neither removable, nor USB, nor a memory card${bus}`,
    hint: `If ${device.path} really is to be overwritten, add --allow-built-in.`,
  };
}

function isOfUnknownSystem(device: BlockDevice): Refusal | undefined {
  if (device.systemDiskKnown || !looksBuiltIn(device)) return undefined;
  return {
    reason: 'system-unknown',
    message: 'could be the one that this machine runs from: which one that is cannot be told',
    hint: 'This happens in containers and live systems. Only removable drives, USB and memory cards are written from there.',
  };
}

function looksBuiltIn({ kind, removable, bus, isMemoryCard }: BlockDevice): boolean {
  return kind === 'disk' && removable !== true && bus !== 'usb' && !isMemoryCard;
}

/** The most telling one first: a list of drives shows it alone where there is little room. */
const RULES: readonly Rule[] = [
  holdsRunningSystem,
  holdsImage,
  isMounted,
  isUsed,
  isMember,
  isPartition,
  isNoDrive,
  isLoopNotNamed,
  hasNoMedium,
  isReadOnly,
  hasOtherSectors,
  isTooSmall,
  isTooLarge,
  isBuiltIn,
  isOfUnknownSystem,
];

const LISTED_USES = 4;

function listUses(uses: readonly DeviceUse[]): string {
  return list(
    uses.map((use) => {
      if (use.type === 'mount') return `${use.device} at ${deviceText(use.mountPoint) ?? 'a folder without a name'}`;
      return use.type === 'swap' ? `${use.device} as swap` : `${use.holder} on ${use.device}`;
    }),
  );
}

function list(names: readonly string[]): string {
  const all = [...new Set(names)];
  const more = all.length - LISTED_USES;
  return more > 0 ? `${all.slice(0, LISTED_USES).join(', ')} and ${more} more` : all.join(', ');
}

function exactSize(sizeBytes: number): string {
  return `${formatSize(sizeBytes)} (${sizeBytes} bytes)`;
}
