/** What a partition's file system says of itself. */
export type FileSystemFacts = {
  readonly kind: FileSystemKind;
  readonly label: string;
  /** ext4: a UUID; FAT: the volume's serial as blkid writes it, "1A2B-3C4D". */
  readonly uuid: string;
  /** Smaller than its partition where it has not grown into it. */
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** ext4 only; FAT has no fixed number. */
  readonly inodes?: { readonly total: number; readonly free: number };
  /** It was not unmounted: the newest changes may lie in ext4's journal, which is not read here. */
  readonly dirty: boolean;
};

export type FileSystemKind = 'ext4' | 'ext3' | 'ext2' | 'fat32' | 'fat16' | 'fat12';

/** Others that cannot be read here, by a few bytes of theirs, so that a person is told their name. */
const OTHERS: readonly { readonly name: string; readonly offset: number; readonly magic: readonly number[] }[] = [
  { name: 'btrfs', offset: 0x10040, magic: [...Buffer.from('_BHRfS_M')] },
  { name: 'squashfs', offset: 0, magic: [...Buffer.from('hsqs')] },
  { name: 'xfs', offset: 0, magic: [...Buffer.from('XFSB')] },
  { name: 'f2fs', offset: 1024, magic: [0x10, 0x20, 0xf5, 0xf2] },
  { name: 'erofs', offset: 1024, magic: [0xe2, 0xe1, 0xf5, 0xe0] },
  { name: 'LUKS', offset: 0, magic: [...Buffer.from('LUKS'), 0xba, 0xbe] },
  { name: 'NTFS', offset: 3, magic: [...Buffer.from('NTFS    ')] },
  { name: 'swap', offset: 4086, magic: [...Buffer.from('SWAPSPACE2')] },
];

/** Bytes from a partition's start that `otherFileSystem` and the readers' own first look need. */
export const SIGNATURE_BYTES = 0x10040 + 8;

export function otherFileSystem(start: Uint8Array): string | undefined {
  return OTHERS.find(({ offset, magic }) => magic.every((byte, index) => start[offset + index] === byte))?.name;
}
