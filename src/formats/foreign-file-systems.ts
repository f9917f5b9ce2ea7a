type Signature = { readonly name: string; readonly offset: number; readonly magic: readonly number[] };

const at = (name: string, offset: number, magic: string | readonly number[]): Signature => ({
  name,
  offset,
  magic: typeof magic === 'string' ? [...Buffer.from(magic, 'latin1')] : magic,
});

/** What cannot be read here, by a few bytes of it (libblkid, src/superblocks), so that it can be named. */
const FOREIGN: readonly Signature[] = [
  at('btrfs', 0x10040, '_BHRfS_M'),
  at('squashfs', 0, 'hsqs'),
  at('xfs', 0, 'XFSB'),
  at('f2fs', 1024, [0x10, 0x20, 0xf5, 0xf2]),
  at('erofs', 1024, [0xe2, 0xe1, 0xf5, 0xe0]),
  at('LUKS', 0, [...Buffer.from('LUKS'), 0xba, 0xbe]),
  at('NTFS', 3, 'NTFS    '),
  at('exFAT', 3, 'EXFAT   '),
  at('BitLocker', 3, '-FVE-FS-'),
  at('LVM2', 536, 'LVM2 001'),
  at('mdraid', 4096, [0xfc, 0x4e, 0x2b, 0xa9]),
  at('UDF', 0x8001, 'BEA01'),
  at('bcachefs', 4120, [0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca]),
  at('JFS', 0x8000, 'JFS1'),
  at('reiserfs', 0x10034, 'ReIsEr'),
  at('HFS+', 1024, [0x48, 0x2b, 0x00, 0x04]),
  at('UBI', 0, 'UBI#'),
  at('cramfs', 0, [0x45, 0x3d, 0xcd, 0x28]),
  at('romfs', 0, '-rom1fs-'),
  at('verity hash tree', 0, [...Buffer.from('verity'), 0, 0]),
  at('swap', 4086, 'SWAPSPACE2'),
  // Where pages are 16 or 64 KiB.
  at('swap', 16_374, 'SWAPSPACE2'),
  at('swap', 65_526, 'SWAPSPACE2'),
];

/** @param start the first SIGNATURE_BYTES of a partition */
export function foreignFileSystem(start: Uint8Array): string | undefined {
  return FOREIGN.find(({ offset, magic }) => magic.every((byte, index) => start[offset + index] === byte))?.name;
}
