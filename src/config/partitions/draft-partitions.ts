import { dirname, resolve } from 'node:path';
import { MiB } from '../../model/bytes.js';
import type { FileSystemName, PartitionRole, Slot } from '../../model/image-spec.js';
import { READ_ONLY_FILE_SYSTEMS } from '../../model/image-spec.js';
import type { Said } from '../said.js';
import { autoOrBytes, bytesOrShare } from '../size-schema.js';
import type { SaidPartition } from './read-partitions.js';

/** A partition with its role's defaults, not yet held against the others. */
export type DraftPartition = {
  readonly name: string;
  readonly role: PartitionRole;
  readonly fs: FileSystemName;
  readonly tree?: string;
  /** Folders, absolute. */
  readonly files: readonly Said<string>[];
  readonly label: string;
  readonly startBytes: number | 'auto';
  readonly sizeBytes: number | 'auto';
  readonly headroomBytes: number;
  /** More of it, as a share of the content. */
  readonly headroomShare: number;
  readonly slot?: Slot;
  readonly mount?: string;
  readonly readOnly: boolean;
  readonly grow: boolean;
  readonly logical: boolean;
  /** As it is written, for messages. */
  readonly said: SaidPartition['said'];
  readonly at: SaidPartition['at'];
};

type RoleDefaults = {
  readonly fs: FileSystemName;
  readonly headroomBytes: number;
  readonly tree?: string;
  readonly mount?: string;
};

export const ROLE_DEFAULTS: Readonly<Record<PartitionRole, RoleDefaults>> = {
  boot: { fs: 'vfat', headroomBytes: 8 * MiB, tree: 'boot', mount: '/boot' },
  root: { fs: 'ext4', headroomBytes: 16 * MiB, tree: 'debian', mount: '/' },
  data: { fs: 'ext4', headroomBytes: 0 },
  selector: { fs: 'vfat', headroomBytes: 8 * MiB, tree: 'selector', mount: '/boot' },
};

/** Where a boot partition is mounted beside a selector, which has /boot. */
export const SLOT_BOOT_MOUNT = '/boot/firmware';

/** What an update may grow a slot by. */
const SLOT_HEADROOM = '30%';

/** Where the device mounts a partition of this role. */
export function placeOf(role: PartitionRole, slot: Slot | undefined): string | undefined {
  return role === 'boot' && slot !== undefined ? SLOT_BOOT_MOUNT : ROLE_DEFAULTS[role].mount;
}

/** Partitions with defaults: the role follows from the name, and the root grows unless another one does. */
export function draftPartitions(partitions: readonly SaidPartition[]): readonly DraftPartition[] {
  const isSaid = partitions.some(({ said }) => said.grow === true);
  const roles = partitions.map((one) => one.said.role ?? roleOf(one.name));
  const root = roles.indexOf('root');
  return partitions.map((one, index) => draft(one, roles[index] ?? 'data', index === root && !isSaid));
}

/** "boot" and "root" say what they are for; everything else holds data. */
function roleOf(name: string): PartitionRole {
  return name === 'boot' || name === 'root' ? name : 'data';
}

function draft({ name, said, at }: SaidPartition, role: PartitionRole, growsByDefault: boolean): DraftPartition {
  const defaults = ROLE_DEFAULTS[role];
  const fs = said.fs ?? defaults.fs;
  const { tree = defaults.tree, slot, mount = placeOf(role, slot) } = said;
  const headroom = said.headroom ?? (slot === undefined ? undefined : SLOT_HEADROOM);
  const free = headroom === undefined ? { bytes: defaultHeadroom(defaults, fs), share: 0 } : bytesOrShare(headroom);
  return {
    name,
    role,
    fs,
    ...(tree === undefined ? {} : { tree }),
    files: (said.files ?? []).map((folder, index) => filesFolder(folder, index, at)),
    label: said.label ?? defaultLabel(name, fs),
    startBytes: autoOrBytes(said.start ?? 'auto'),
    sizeBytes: autoOrBytes(said.size ?? 'auto'),
    headroomBytes: free.bytes,
    headroomShare: free.share,
    ...(slot === undefined ? {} : { slot }),
    ...(mount === undefined ? {} : { mount }),
    // An update writes the boot partition of a slot, and nobody else does.
    readOnly: said.readOnly ?? (READ_ONLY_FILE_SYSTEMS.includes(fs) || (role === 'boot' && slot !== undefined)),
    grow: said.grow ?? growsByDefault,
    logical: said.logical ?? false,
    said,
    at,
  };
}

function defaultHeadroom({ headroomBytes }: RoleDefaults, fs: FileSystemName): number {
  return READ_ONLY_FILE_SYSTEMS.includes(fs) ? 0 : headroomBytes;
}

/** FAT labels are capital letters, eleven at most; a squashfs has none. */
function defaultLabel(name: string, fs: FileSystemName): string {
  if (fs === 'squashfs') return '';
  return fs === 'vfat' ? name.toUpperCase().slice(0, 11) : name;
}

function filesFolder(folder: string, index: number, at: SaidPartition['at']): Said<string> {
  const place = at('files', index);
  return { value: resolve(dirname(place.file ?? ''), folder), at: place };
}
