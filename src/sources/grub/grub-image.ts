import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../model/command.js';
import type { Host } from '../../host/host.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { GrubModules, GrubPlatform } from './grub-modules.js';

/** What grub-mkimage puts together. */
export type GrubImage = {
  /** `i386-pc` for a disk, `i386-pc-eltorito` for a disc, `i386-pc-pxe` for the network, `x86_64-efi` for all. */
  readonly format: GrubPlatform | 'i386-pc-eltorito' | 'i386-pc-pxe';
  readonly modules: readonly string[];
  /** Where GRUB looks for grub.cfg; a device without a drive is on the one that GRUB was started from. */
  readonly prefix: string;
  /** Commands that GRUB runs instead, without its shell: one command a line, no script. */
  readonly config?: string;
};

/** Paths as the sandbox has them. */
const MODULES = '/srv';
const WORK = '/mnt';

/** @param config file with the embedded commands */
export function grubMkimageCommand(image: GrubImage, output: string, config: string): Command {
  const { format, modules, prefix } = image;
  const platform: GrubPlatform = format === 'x86_64-efi' ? format : 'i386-pc';
  return {
    file: 'grub-mkimage',
    args: [
      ...['-O', format, '-d', join(MODULES, platform), '-p', prefix],
      // A BIOS reads slowly. UEFI's loader takes no packed programs.
      ...(platform === 'i386-pc' ? ['-C', 'xz'] : []),
      ...(image.config === undefined ? [] : ['-c', config]),
      ...['-o', output, ...modules],
    ],
  };
}

/** Makes GRUB's image as the file `name` in `folder`; the same modules and commands give the same bytes. */
export async function makeGrubImage(
  image: GrubImage,
  { tools, modules, folder, name }: { tools: ToolsTree; modules: GrubModules; folder: string; name: string },
  host: Host,
): Promise<void> {
  const config = `${name}.cfg`;
  if (image.config !== undefined) await writeFile(join(folder, config), image.config);
  const sandbox = {
    root: tools.root,
    mounts: [
      { source: modules.path, target: MODULES },
      { source: folder, target: WORK, writable: true },
    ],
  };
  await host.runIn(sandbox, grubMkimageCommand(image, join(WORK, name), join(WORK, config)));
}
