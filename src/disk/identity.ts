import { createHash } from 'node:crypto';

/** Every number that tools would otherwise roll: the same board gives the same image, byte for byte. */
export type DiskIdentity = {
  /** Eight lower-case hex digits, never zero. PARTUUIDs begin with it. */
  readonly diskId: string;
  /** Volume serial of the FAT: eight upper-case hex digits, as mkfs.fat's -i takes it. */
  readonly fatSerial: string;
  readonly ext4Uuid: string;
  /** mke2fs's -E hash_seed: it decides the order of names in indexed directories. */
  readonly ext4HashSeed: string;
};

export function diskIdentity(boardId: string): DiskIdentity {
  return {
    diskId: nonZeroHex(boardId, 'disk id'),
    fatSerial: nonZeroHex(boardId, 'fat serial').toUpperCase(),
    ext4Uuid: nameUuid(boardId, 'ext4 uuid'),
    ext4HashSeed: nameUuid(boardId, 'ext4 hash seed'),
  };
}

/** A disk id or serial of zero means "none" to several tools. */
function nonZeroHex(boardId: string, purpose: string): string {
  const hex = digest(boardId, purpose).subarray(0, 4).toString('hex');
  return hex === '00000000' ? '00000001' : hex;
}

/** A UUID of version 8 (RFC 9562, 5.8): like version 5, with SHA-256 in place of SHA-1. */
function nameUuid(boardId: string, purpose: string): string {
  const bytes = digest(boardId, purpose).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function digest(boardId: string, purpose: string): Buffer {
  return createHash('sha256').update(`reswarm-os\0${purpose}\0${boardId}`).digest();
}
