import type { DiskIdentity } from '../../disk/identity.js';
import type { ImageSpec, PartitionSpec } from '../../model/image-spec.js';
import { hasSlots } from '../../model/image-spec.js';
import type { RootText } from '../../sources/debian/root/root-tree.js';

/** What a bundle must be made for, so that a device takes it: one board, whatever its disk id is. */
export function compatibleOf({ id }: Pick<ImageSpec, 'id'>): string {
  return `reswarm-os-${id}`;
}

/**
 * Files of a root with slots that come from its disk: which partition is which by its number, and RAUC's configuration.
 * Nothing in them is one device's own, so that the root of a bundle fits every device.
 */
export function slotTexts(spec: ImageSpec, identity: DiskIdentity): readonly RootText[] {
  if (!hasSlots(spec)) return [];
  return [
    { path: 'usr/lib/reswarm/partitions', text: partitionNames(spec, identity) },
    { path: 'etc/rauc/system.conf', text: raucConfig(spec) },
  ];
}

/** Name of a partition below /dev/reswarm: its role, and of boot and root the slot. */
export function deviceName({ name, role, slot }: Pick<PartitionSpec, 'name' | 'role' | 'slot'>): string {
  if (role === 'selector') return 'selector';
  return slot === undefined ? name : `${role}-${slot}`;
}

/** "05 root-a", a line for each; numbers as the end of a PARTUUID has them. */
function partitionNames({ partitions }: ImageSpec, identity: DiskIdentity): string {
  return partitions
    .map((one) => `${identity.partition(one.name).partUuid.split('-').at(-1) ?? ''} ${deviceName(one)}\n`)
    .join('');
}

const PROGRAMS = '/usr/lib/reswarm/updates';
const STATE = '/data/reswarm/updates';

function raucConfig(spec: ImageSpec): string {
  const slots = ['a', 'b'].flatMap((slot, index) => [
    `[slot.rootfs.${index}]`,
    `device=/dev/reswarm/root-${slot}`,
    'type=ext4',
    // A bundle's root is as small as it can be.
    'resize=true',
    `bootname=${slot.toUpperCase()}`,
    '',
    `[slot.boot.${index}]`,
    `device=/dev/reswarm/boot-${slot}`,
    'type=raw',
    `parent=rootfs.${index}`,
    '',
  ]);
  const lines = [
    '[system]',
    `compatible=${compatibleOf(spec)}`,
    // Others cannot be checked before they are read to their end.
    'bundle-formats=verity',
    'bootloader=custom',
    `statusfile=${STATE}/rauc.status`,
    `data-directory=${STATE}/rauc`,
    'mountprefix=/run/rauc/mnt',
    'max-bundle-download-size=1073741824',
    '',
    '[keyring]',
    'path=/etc/rauc/keyring.pem',
    // A device without a battery-backed clock starts in the past or in the future.
    'use-bundle-signing-time=true',
    '',
    '[handlers]',
    `bootloader-custom-backend=${PROGRAMS}/slots`,
    `pre-install=${PROGRAMS}/gate`,
    `post-install=${PROGRAMS}/settle`,
    '',
    ...slots,
  ];
  return lines.join('\n');
}
