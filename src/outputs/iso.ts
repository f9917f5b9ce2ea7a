import { copyFile, mkdir, open, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
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
import type { DiscProgram } from '../sources/efi/disc-program.js';
import { makeGrubImage } from '../sources/grub/grub-image.js';
import type { GrubModules } from '../sources/grub/grub-modules.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';

export type IsoInput = {
  readonly tools: ToolsTree;
  readonly grub: GrubModules;
  /** What UEFI starts. */
  readonly discProgram: DiscProgram;
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

/** What GRUB has for a BIOS: it reads the disc, whatever drive it is in, and starts Linux. No shell: a disc's commands cannot be changed anyway. */
const MODULES = ['iso9660', 'part_msdos', 'part_gpt', 'linux', 'search', 'search_fs_file', 'boot'];
const ISO = 'image.iso';
/** Type of an EFI system partition in an MBR. */
const EFI_SYSTEM_TYPE = '0xef';
/** Paths as the sandbox has them. */
const WORK = '/mnt';
const MODULES_FOLDER = '/srv';
const GRUB_BIOS = 'boot/bios.img';
const EFI_IMAGE = 'efi.img';
/** What native/efi-disc.c reads beside itself. */
const EFI_CONFIG = 'disc.cfg';
const KERNEL = 'vmlinuz';

/** A disc that a PC starts by BIOS and by UEFI, from a drive and, written as it is, from a USB stick. */
export const isoStage: Stage<IsoInput, Iso> = {
  name: 'iso',
  version: 2,
  group: 'Image',
  key: isoKey,
  commands: (input) => [xorrisoCommand(input)],

  async run(input, out, context) {
    const { work, report } = context;
    const mark = markOf(input);
    const disc = join(work, 'disc');
    await mkdir(join(disc, 'boot'), { recursive: true });
    await requireEfiKernel(input.kernel.path);
    report.step(`GRUB ${input.grub.version} for BIOS, our own loader for UEFI`);
    await makeBiosLoader(input, mark, context);
    await makeEfiLoader(input, mark, context);
    await copyFile(input.kernel.path, join(disc, 'boot', KERNEL));
    await copyFile(input.archive.path, join(disc, 'boot', input.archive.name));
    await writeFile(join(disc, 'boot', mark), '');
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

function isoKey({ tools, grub, discProgram, kernel, archive, files, ...input }: IsoInput): Json {
  return {
    tools: toolVersions(tools, ['grub-common', 'xorriso', 'mtools', 'dosfstools']),
    grub: grub.key,
    discProgram: discProgram.key,
    modules: [...MODULES],
    kernel: kernel.digest,
    archive: { name: archive.name, digest: archive.digest },
    files: Object.fromEntries(files.map(({ name, text }) => [name, sha256(text)])),
    ...input,
  };
}

/**
 * Loaders find their disc by a file that no other has: two sticks in one machine must not start each other's system. In
 * ISO 9660's own names, which the loader for UEFI reads, eight characters fit before the point.
 */
function markOf(input: IsoInput): string {
  return `${sha256(canonicalJson(isoKey(input))).slice(0, 8)}.id`;
}

/** The kernel's own PE header (CONFIG_EFI_STUB), by which UEFI starts it. */
async function requireEfiKernel(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    if (buffer.toString('latin1') === 'MZ') return;
  } finally {
    await file.close();
  }
  throw new UserError('iso-kernel-without-efi', 'UEFI cannot start this kernel from a disc: it has no EFI stub', {
    hints: ["Add CONFIG_EFI=y and CONFIG_EFI_STUB=y to the fragments of the board's kernel."],
  });
}

async function makeBiosLoader(input: IsoInput, mark: string, { host, work }: StageContext): Promise<void> {
  const { tools, grub: modules, archive, commandLine } = input;
  const start = grubStartLines({ kernel: `/boot/${KERNEL}`, initrd: `/boot/${archive.name}`, commandLine });
  const config = `${[`search --no-floppy --set=root --file /boot/${mark}`, ...start].join('\n')}\n`;
  await makeGrubImage(
    { prefix: '/', config, format: 'i386-pc-eltorito', modules: ['biosdisk', ...MODULES] },
    { tools, modules, folder: work, name: 'bios' },
    host,
  );
  await rename(join(work, 'bios'), join(work, 'disc', GRUB_BIOS));
}

async function makeEfiLoader(input: IsoInput, mark: string, { host, work }: StageContext): Promise<void> {
  const { discProgram, archive, commandLine, sourceDateEpoch } = input;
  const [program, config] = [join(work, 'efi'), join(work, EFI_CONFIG)];
  await copyFile(discProgram.path, program);
  const lines = [...[mark, KERNEL, archive.name].map(isoName), commandLine];
  await writeFile(config, `${lines.join('\n')}\n`);
  for (const path of [program, config]) await utimes(path, sourceDateEpoch, sourceDateEpoch);
  const bytes = (await stat(program)).size + (await stat(config)).size;
  await writeFile(join(work, EFI_IMAGE), Buffer.alloc(efiImageBytes(bytes)));
  const env = { SOURCE_DATE_EPOCH: sourceDateEpoch.toString(), MTOOLS_SKIP_CHECK: '1' };
  for (const command of efiImageCommands(input)) await host.runIn(sandboxOf(input, work), { ...command, env });
}

/** A name as ISO 9660 level 1 has it beside Rock Ridge: `initramfs.zst` is INITRAMF.ZST. */
function isoName(name: string): string {
  const [stem = '', suffix = ''] = name.toUpperCase().split('.');
  return suffix === '' ? stem.slice(0, 8) : `${stem.slice(0, 8)}.${suffix.slice(0, 3)}`;
}

/** mkfs.fat makes none below 36 KiB. */
const LEAST_FAT_BYTES = 40 * KiB;

/** One sector a cluster: two files, 12 bits of the table for each sector, the root directory, two folders. */
function efiImageBytes(bytes: number): number {
  return Math.max(LEAST_FAT_BYTES, alignUp(bytes + Math.ceil(bytes / 512) * 2 + 8 * KiB, 4 * KiB));
}

/** A FAT12 with EFI/BOOT/BOOTX64.EFI and its settings: what El Torito and the MBR show to UEFI. */
function efiImageCommands({ id }: IsoInput): readonly Command[] {
  const image = join(WORK, EFI_IMAGE);
  const serial = identify(id, 'gpt', [{ name: 'efi', logical: false }]).partition('efi').fatSerial;
  const shape = ['-F', '12', '-s', '1', '-r', '16', '-f', '1'];
  return [
    { file: 'mkfs.fat', args: ['--invariant', ...shape, '-n', 'EFI', '-i', serial, image] },
    { file: 'mmd', args: ['-i', image, '::EFI', '::EFI/BOOT'] },
    { file: 'mcopy', args: ['-m', '-i', image, join(WORK, 'efi'), '::EFI/BOOT/BOOTX64.EFI'] },
    { file: 'mcopy', args: ['-m', '-i', image, join(WORK, EFI_CONFIG), `::EFI/BOOT/${EFI_CONFIG}`] },
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
