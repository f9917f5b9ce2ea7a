import { copyFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { grubBootCode } from '../../formats/grub-boot-code.js';
import type { TableType } from '../../model/image-spec.js';
import type { Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { toolVersions } from '../../tools/tools-tree.js';
import { makeGrubImage } from './grub-image.js';
import type { GrubModules } from './grub-modules.js';

export type DiskLoaderInput = {
  readonly tools: ToolsTree;
  readonly modules: GrubModules;
  readonly table: TableType;
  /** Number of the boot partition, whose grub.cfg is read. */
  readonly partition: number;
};

/** GRUB for one kind of disk. It names no image: it reads the boot partition of the drive that it was started from. */
export type DiskLoader = {
  readonly key: string;
  /** EFI/BOOT/BOOTX64.EFI: what UEFI starts from a drive that it knows nothing else of. */
  readonly efiProgram: string;
  /** What a BIOS starts: bytes before the first partition. */
  bootCode(): Promise<readonly { readonly offsetBytes: number; readonly bytes: Buffer }[]>;
};

/** Reads partitions and FAT, runs grub.cfg, starts Linux; the rest is for people whose grub.cfg does not work. */
const MODULES = ['part_msdos', 'part_gpt', 'fat', 'normal', 'linux', 'ls', 'cat', 'echo', 'reboot', 'halt'];

/** GRUB for a disk, by BIOS and by UEFI. */
export const diskLoaderStage: Stage<DiskLoaderInput, DiskLoader> = {
  name: 'boot-loader',
  version: 1,
  group: 'Firmware',

  key: ({ tools, modules, table, partition }) => ({
    tools: toolVersions(tools, ['grub-common']),
    modules: modules.key,
    names: [...MODULES],
    table,
    partition,
  }),

  async run({ tools, modules, table, partition }, out, { host, report, work }) {
    report.step(`GRUB ${modules.version} for BIOS and UEFI`);
    const folder = { tools, modules, folder: work };
    const prefix = `(,${table === 'gpt' ? 'gpt' : 'msdos'}${partition})/`;
    await makeGrubImage(
      { format: 'i386-pc', modules: ['biosdisk', ...MODULES], prefix },
      { ...folder, name: 'core.img' },
      host,
    );
    // UEFI says which partition the program came from.
    await makeGrubImage(
      { format: 'x86_64-efi', modules: [...MODULES, 'all_video'], prefix: '/' },
      { ...folder, name: 'efi' },
      host,
    );
    for (const name of ['core.img', 'efi']) await rename(join(work, name), join(out, name));
    await copyFile(join(modules.path, 'i386-pc/boot.img'), join(out, 'boot.img'));
  },

  open: ({ key, path }, { table }) => ({
    key,
    efiProgram: join(path, 'efi'),
    bootCode: async () =>
      grubBootCode(await readFile(join(path, 'boot.img')), await readFile(join(path, 'core.img')), table),
  }),
};
