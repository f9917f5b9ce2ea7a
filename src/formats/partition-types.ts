/** Names of an MBR's type bytes, as `sfdisk --list-types` has them. */
const MBR_TYPES: Readonly<Record<number, string>> = {
  0x01: 'FAT12',
  0x04: 'FAT16 <32M',
  0x05: 'Extended',
  0x06: 'FAT16',
  0x07: 'HPFS/NTFS/exFAT',
  0x0b: 'W95 FAT32',
  0x0c: 'W95 FAT32 (LBA)',
  0x0e: 'W95 FAT16 (LBA)',
  0x0f: "W95 Ext'd (LBA)",
  0x27: 'Hidden NTFS WinRE',
  0x82: 'Linux swap / Solaris',
  0x83: 'Linux',
  0x85: 'Linux extended',
  0x8e: 'Linux LVM',
  0xa5: 'FreeBSD',
  0xda: 'Non-FS data',
  0xee: 'GPT',
  0xef: 'EFI (FAT-12/16/32)',
  0xfd: 'Linux raid autodetect',
};

/** GUIDs of a GPT's types; those of systemd: https://uapi-group.org/specifications/specs/discoverable_partitions_specification/ */
const GPT_TYPES: Readonly<Record<string, string>> = {
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'EFI System',
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7': 'Microsoft basic data',
  'e3c9e316-0b5c-4db8-817d-f92df00215ae': 'Microsoft reserved',
  '21686148-6449-6e6f-744e-656564454649': 'BIOS boot',
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'Linux filesystem',
  '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f': 'Linux swap',
  'e6d6d379-f507-44c2-a23c-238f2a3df928': 'Linux LVM',
  'a19d880f-05fc-4d3b-a006-743f0f84911e': 'Linux RAID',
  'bc13c2ff-59e6-4262-a352-b275fd6f7172': 'Linux extended boot',
  '933ac7e1-2eb4-4f13-b844-0e14e2aef915': 'Linux home',
  '3b8f8425-20e0-4f3b-907f-1a25a76f98e8': 'Linux server data',
  '4d21b016-b534-45c2-a9fb-5c16e091fd2d': 'Linux variable data',
  'b921b045-1df0-41c3-af44-4c6f280d3fae': 'Linux root (ARM-64)',
  '69dad710-2ce4-4e3c-b16c-21a1d49abed3': 'Linux root (ARM)',
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': 'Linux root (x86-64)',
  '44479540-f297-41b2-9af7-d131d5f0458a': 'Linux root (x86)',
  '72ec70a6-cf74-40e6-bd49-4bda08e8f224': 'Linux root (RISC-V-64)',
};

const EXTENDED: ReadonlySet<number | string> = new Set([0x05, 0x0f, 0x85]);

/** FAT12, FAT16 and FAT32, by cylinders or by blocks, and the EFI system partition, which is a FAT too. */
const FAT: ReadonlySet<number | string> = new Set([
  ...[0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, 0xef],
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7',
  'bc13c2ff-59e6-4262-a352-b275fd6f7172',
]);

/** Types that a FAT can be expected in, and nothing else by the makers of small computers. */
export function isFat({ type }: { readonly type: number | string }): boolean {
  return FAT.has(type);
}

/** The EFI system partition: where a PC's firmware looks for what it starts. */
export function isEfiSystem({ type }: { readonly type: number | string }): boolean {
  return type === 0xef || type === 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
}

/** One that holds no file system but the logical partitions of an MBR. */
export function isExtended({ type }: { readonly type: number | string }): boolean {
  return EXTENDED.has(type);
}

/** "Linux", or "type 0x42" where the type has no name here. */
export function typeNameOf(type: number | string): string {
  const known = typeof type === 'number' ? MBR_TYPES[type] : GPT_TYPES[type];
  return known ?? `type ${typeof type === 'number' ? `0x${type.toString(16).padStart(2, '0')}` : type}`;
}
