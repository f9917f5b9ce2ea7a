import { UserError } from '../errors.js';

const SECTOR_BYTES = 512;
/** What of sector 0 is code: disk id and partition table follow. */
export const BOOT_CODE_BYTES = 440;

/** Places in boot.img and in diskboot.img, core.img's first sector: include/grub/i386/pc/boot.h of GRUB 2.12. */
const KERNEL_SECTOR_AT = 0x5c;
const DRIVE_CHECK_AT = 0x66;
const BLOCK_LIST_AT = 0x1f4;
/** Two instructions that do nothing. */
const NOPS = 0x9090;

/** Sectors behind a GPT's header and its 128 entries are free up to the first partition; behind an MBR all are. */
const CORE_SECTOR = { mbr: 1, gpt: 34 } as const;

/**
 * GRUB for a PC's BIOS as `grub-bios-setup` would put it on a disk: its first code in sector 0, which loads core.img
 * from the sectors before the first partition.
 *
 * @param bootImg boot.img of GRUB's modules, one sector
 * @param coreImg as grub-mkimage -O i386-pc makes it
 */
export function grubBootCode(
  bootImg: Uint8Array,
  coreImg: Uint8Array,
  table: 'mbr' | 'gpt',
): readonly { readonly offsetBytes: number; readonly bytes: Buffer }[] {
  const sector = CORE_SECTOR[table];
  const code = Buffer.from(bootImg.subarray(0, BOOT_CODE_BYTES));
  code.writeBigUInt64LE(BigInt(sector), KERNEL_SECTOR_AT);
  // Old firmwares pass the number of a floppy drive when they start a disk.
  code.writeUInt16BE(NOPS, DRIVE_CHECK_AT);
  const core = Buffer.alloc(Math.ceil(coreImg.length / SECTOR_BYTES) * SECTOR_BYTES);
  core.set(coreImg);
  core.writeBigUInt64LE(BigInt(sector + 1), BLOCK_LIST_AT);
  return [
    { offsetBytes: 0, bytes: code },
    { offsetBytes: sector * SECTOR_BYTES, bytes: core },
  ];
}

/** Throws UserError `no-room-for-boot-loader` where a partition begins before the loader ends. */
export function requireRoomForBootCode(
  pieces: readonly { readonly offsetBytes: number; readonly bytes: Uint8Array }[],
  firstPartitionBytes: number,
): void {
  const end = Math.max(...pieces.map(({ offsetBytes, bytes }) => offsetBytes + bytes.length));
  if (end <= firstPartitionBytes) return;
  throw new UserError(
    'no-room-for-boot-loader',
    `The boot loader of a PC takes the first ${end} bytes of the disk; the first partition begins at byte ${firstPartitionBytes}`,
    { hints: ['Begin the first partition at 1 MiB or later.'] },
  );
}

/** "GRUB " and the words with which boot.img reports errors (grub-core/boot/i386/pc/boot.S). */
const MESSAGES = Buffer.from('GRUB \0Geom\0Hard Disk\0Read\0', 'latin1');

/** Whether a disk's first sector holds GRUB's boot code. */
export function isGrubBootCode(sector: Uint8Array): boolean {
  return Buffer.from(sector.buffer, sector.byteOffset, sector.byteLength).includes(MESSAGES);
}

/** The version that a GRUB for UEFI says of itself: "2.12-9+deb13u4"; undefined for other programs. */
export function grubVersionOf(program: Uint8Array): string | undefined {
  const text = Buffer.from(program.buffer, program.byteOffset, program.byteLength).toString('latin1');
  return /GNU GRUB {2}version %s\0(\d[^\0]*)\0/.exec(text)?.[1];
}
