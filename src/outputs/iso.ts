import { copyFile, mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startsByGrub } from '../boot/grub.js';
import { identify } from '../disk/identity.js';
import { UserError } from '../errors.js';
import { grubStartLines } from '../formats/grub-cfg.js';
import { fileSha256 } from '../host/file-digest.js';
import type { Board } from '../model/board.js';
import { alignUp, KiB } from '../model/bytes.js';
import type { Command } from '../model/command.js';
import type { Json } from '../model/json.js';
import { canonicalJson } from '../model/json.js';
import { sha256 } from '../model/sha256.js';
import type { Stage, StageContext } from '../pipeline/stage.js';
import { makeGrubImage } from '../sources/grub/grub-image.js';
import type { GrubModules } from '../sources/grub/grub-modules.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';

export type IsoInput = {
  readonly tools: ToolsTree;
  readonly grub: GrubModules;
  /** A bzImage, and what stands for its bytes. */
  readonly kernel: { readonly path: string; readonly digest: string };
  /** The root as an archive; its name on the disc: `initramfs.zst`. */
  readonly archive: { readonly path: string; readonly digest: string; readonly name: string };
  readonly commandLine: string;
  /** Files of the disc's root: the seed. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Volume id, at most 32 characters. */
  readonly label: string;
  /** Names the image: the serial of the EFI system partition is derived from it. */
  readonly id: string;
  readonly sourceDateEpoch: number;
};

export type Iso = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
};

/** Throws UserError `iso-needs-pc` for a board whose firmware starts no disc. */
export function requireIsoBoard(board: Pick<Board, 'id' | 'architecture' | 'firmware'>): void {
  if (startsByGrub(board)) return;
  throw new UserError('iso-needs-pc', `The board ${board.id} starts from no ISO: only a PC's firmware reads a disc`, {
    hints: ['Write an image instead (--output NAME.img), or build for --board pc-amd64.'],
  });
}

/** Reads the disc, whatever drive it is in, and starts Linux. No shell: a disc's commands cannot be changed anyway. */
const MODULES = ['iso9660', 'part_msdos', 'part_gpt', 'linux', 'search', 'search_fs_file', 'boot'];
const ISO = 'image.iso';
/** Type of an EFI system partition in an MBR. */
const EFI_SYSTEM_TYPE = '0xef';
/** Paths as the sandbox has them. */
const WORK = '/mnt';
const MODULES_FOLDER = '/srv';
const GRUB_BIOS = 'boot/bios.img';
const EFI_IMAGE = 'efi.img';

/** A disc that a PC starts by BIOS and by UEFI, from a drive and, written as it is, from a USB stick. */
export const isoStage: Stage<IsoInput, Iso> = {
  name: 'iso',
  version: 1,
  group: 'Image',
  key: isoKey,
  commands: (input) => [xorrisoCommand(input)],

  async run(input, out, context) {
    const { work, report } = context;
    const mark = markOf(input);
    const disc = join(work, 'disc');
    await mkdir(join(disc, 'boot'), { recursive: true });
    report.step(`GRUB ${input.grub.version} for BIOS and UEFI`);
    await makeLoaders(input, mark, context);
    await copyFile(input.kernel.path, join(disc, 'boot/vmlinuz'));
    await copyFile(input.archive.path, join(disc, 'boot', input.archive.name));
    await writeFile(join(disc, markPath(mark)), '');
    for (const { name, text } of input.files) await writeFile(join(disc, name), text);
    report.step('writing the disc');
    await context.host.runIn(sandboxOf(input, work), xorrisoCommand(input));
    const path = join(work, ISO);
    await rename(path, join(out, ISO));
    // A disc with a device's own seed holds secrets.
    await rm(disc, { recursive: true });
  },

  async open({ path }) {
    const iso = join(path, ISO);
    return { path: iso, sizeBytes: (await stat(iso)).size, sha256: await fileSha256(iso) };
  },
};

function isoKey({ tools, grub, kernel, archive, files, ...input }: IsoInput): Json {
  return {
    tools: toolVersions(tools, ['grub-common', 'xorriso', 'mtools', 'dosfstools']),
    grub: grub.key,
    modules: [...MODULES],
    kernel: kernel.digest,
    archive: { name: archive.name, digest: archive.digest },
    files: Object.fromEntries(files.map(({ name, text }) => [name, sha256(text)])),
    ...input,
  };
}

/** GRUB finds its disc by a file that no other has: two sticks in one machine must not start each other's system. */
function markOf(input: IsoInput): string {
  return sha256(canonicalJson(isoKey(input))).slice(0, 16);
}

function markPath(mark: string): string {
  return `boot/${mark}.id`;
}

async function makeLoaders(input: IsoInput, mark: string, { host, work }: StageContext): Promise<void> {
  const { tools, grub: modules, archive, commandLine, sourceDateEpoch } = input;
  const start = grubStartLines({ kernel: '/boot/vmlinuz', initrd: `/boot/${archive.name}`, commandLine });
  const config = `${[`search --no-floppy --set=root --file /${markPath(mark)}`, ...start].join('\n')}\n`;
  const folder = { tools, modules, folder: work };
  const image = { prefix: '/', config };
  await makeGrubImage(
    { ...image, format: 'i386-pc-eltorito', modules: ['biosdisk', ...MODULES] },
    { ...folder, name: 'bios' },
    host,
  );
  await makeGrubImage({ ...image, format: 'x86_64-efi', modules: MODULES }, { ...folder, name: 'efi' }, host);
  await rename(join(work, 'bios'), join(work, 'disc', GRUB_BIOS));

  const program = join(work, 'efi');
  await utimes(program, sourceDateEpoch, sourceDateEpoch);
  await writeFile(join(work, EFI_IMAGE), Buffer.alloc(efiImageBytes((await stat(program)).size)));
  const env = { SOURCE_DATE_EPOCH: sourceDateEpoch.toString(), MTOOLS_SKIP_CHECK: '1' };
  for (const command of efiImageCommands(input)) await host.runIn(sandboxOf(input, work), { ...command, env });
}

/** One sector a cluster: the program, 12 bits of the table for each sector, the root directory, two folders. */
function efiImageBytes(programBytes: number): number {
  return alignUp(programBytes + Math.ceil(programBytes / 512) * 2 + 8 * KiB, 4 * KiB);
}

/** A FAT12 with EFI/BOOT/BOOTX64.EFI: what El Torito and the MBR show to UEFI. */
function efiImageCommands({ id }: IsoInput): readonly Command[] {
  const image = join(WORK, EFI_IMAGE);
  const serial = identify(id, 'gpt', [{ name: 'efi', logical: false }]).partition('efi').fatSerial;
  const shape = ['-F', '12', '-s', '1', '-r', '16', '-f', '1'];
  return [
    { file: 'mkfs.fat', args: ['--invariant', ...shape, '-n', 'EFI', '-i', serial, image] },
    { file: 'mmd', args: ['-i', image, '::EFI', '::EFI/BOOT'] },
    { file: 'mcopy', args: ['-m', '-i', image, join(WORK, 'efi'), '::EFI/BOOT/BOOTX64.EFI'] },
  ];
}

/**
 * El Torito for discs; an MBR with boot code and an EFI system partition behind the disc's own files for sticks. UEFI gets
 * the same partition either way. All times are given, so that none is the clock's.
 */
function xorrisoCommand({ label, sourceDateEpoch }: Pick<IsoInput, 'label' | 'sourceDateEpoch'>): Command {
  const time = `${new Date(sourceDateEpoch * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14)}00`;
  const times = [`--modification-date=${time}`, '--set_all_file_dates', time];
  const image = ['-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', '--grub2-boot-info'];
  const stick = ['--grub2-mbr', join(MODULES_FOLDER, 'i386-pc/boot_hybrid.img')];
  return {
    file: 'xorriso',
    args: [
      ...['-as', 'mkisofs', '-quiet', '-r', '-V', label, '-o', join(WORK, ISO), ...times],
      ...['-b', GRUB_BIOS, ...image, ...stick],
      ...['-append_partition', '2', EFI_SYSTEM_TYPE, join(WORK, EFI_IMAGE), '-no-pad'],
      ...['-eltorito-alt-boot', '-e', '--interval:appended_partition_2:all::', '-no-emul-boot'],
      join(WORK, 'disc'),
    ],
  };
}

function sandboxOf({ tools, grub }: IsoInput, work: string) {
  return {
    root: tools.root,
    mounts: [
      { source: grub.path, target: MODULES_FOLDER },
      { source: work, target: WORK, writable: true },
    ],
  };
}
