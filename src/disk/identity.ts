import { createHash } from 'node:crypto';
import type { PartitionIdentity } from '../model/disk.js';
import type { PartitionSpec, TableType } from '../model/image-spec.js';

/** Every number that tools would otherwise roll: the same image id gives the same image, byte for byte. */
export type DiskIdentity = {
  /** For an MBR eight lower-case hex digits, never zero, with which PARTUUIDs begin; for GPT a GUID. */
  readonly diskId: string;
  /** Throws TypeError for a name that the disk does not have. */
  partition(name: string): PartitionIdentity;
};

/** All that fstab, cmdline.txt and file systems need to know of a disk before anything has a size. */
export function identify(
  id: string,
  table: TableType,
  partitions: readonly Pick<PartitionSpec, 'name' | 'logical'>[],
): DiskIdentity {
  const mbrId = nonZeroHex(id, 'disk id');
  const diskId = table === 'mbr' ? mbrId : nameUuid(id, 'disk guid');
  const numbers = partitionNumbers(partitions);
  return {
    diskId,
    partition(name) {
      const number = numbers.get(name);
      if (number === undefined) throw new TypeError(`the disk has no partition ${name}`);
      return {
        number,
        partUuid:
          table === 'mbr' ? `${mbrId}-${number.toString(16).padStart(2, '0')}` : nameUuid(id, `partition guid ${name}`),
        fatSerial: nonZeroHex(id, purpose('fat serial', name, 'boot')).toUpperCase(),
        uuid: nameUuid(id, purpose('ext4 uuid', name, 'root')),
        hashSeed: nameUuid(id, purpose('ext4 hash seed', name, 'root')),
      };
    },
  };
}

/** In an MBR logical partitions count from 5, whatever is before them. */
function partitionNumbers(partitions: readonly Pick<PartitionSpec, 'name' | 'logical'>[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  let primary = 1;
  let logical = 5;
  for (const { name, logical: isLogical } of partitions) numbers.set(name, isLogical ? logical++ : primary++);
  return numbers;
}

/** The first boot FAT and the first root have kept their ids from before disks had other partitions. */
function purpose(what: string, name: string, unnamed: string): string {
  return name === unnamed ? what : `${what} ${name}`;
}

/** A disk id or serial of zero means "none" to several tools. */
function nonZeroHex(id: string, purpose: string): string {
  const hex = digest(id, purpose).subarray(0, 4).toString('hex');
  return hex === '00000000' ? '00000001' : hex;
}

/** A UUID of version 8 (RFC 9562, 5.8): like version 5, with SHA-256 in place of SHA-1. */
function nameUuid(id: string, purpose: string): string {
  const bytes = digest(id, purpose).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function digest(id: string, purpose: string): Buffer {
  return createHash('sha256').update(`reswarm-os\0${purpose}\0${id}`).digest();
}
