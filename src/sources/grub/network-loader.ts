import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { toolVersions } from '../../tools/tools-tree.js';
import { makeGrubImage } from './grub-image.js';
import type { GrubModules } from './grub-modules.js';

export type NetworkLoaderInput = { readonly tools: ToolsTree; readonly modules: GrubModules };

/** GRUB as a PC's firmware fetches it: paths of the two programs, and what stands for their bytes. */
export type NetworkLoader = { readonly key: string; readonly bios: string; readonly uefi: string };

/** Fetches, runs grub.cfg, starts Linux. */
const MODULES = ['net', 'tftp', 'http', 'normal', 'configfile', 'linux', 'test', 'echo', 'cat', 'reboot', 'halt'];
/** Empty: GRUB then looks beside itself, in whatever folder of the server it is. */
const PREFIX = '';

/** GRUB for network boot, by BIOS and by UEFI. */
export const networkLoaderStage: Stage<NetworkLoaderInput, NetworkLoader> = {
  name: 'network-loader',
  version: 1,
  group: 'Firmware',

  key: ({ tools, modules }) => ({
    tools: toolVersions(tools, ['grub-common']),
    modules: modules.key,
    names: [...MODULES],
  }),

  async run({ tools, modules }, out, { host, report, work }) {
    report.step(`GRUB ${modules.version} for the network, by BIOS and UEFI`);
    const folder = { tools, modules, folder: work };
    const image = { prefix: PREFIX };
    const bios = { ...image, format: 'i386-pc-pxe', modules: ['pxe', ...MODULES] } as const;
    const uefi = { ...image, format: 'x86_64-efi', modules: ['efinet', 'all_video', ...MODULES] } as const;
    await makeGrubImage(bios, { ...folder, name: 'bios' }, host);
    await makeGrubImage(uefi, { ...folder, name: 'uefi' }, host);
    for (const name of ['bios', 'uefi']) await rename(join(work, name), join(out, name));
  },

  open: ({ key, path }) => ({ key, bios: join(path, 'bios'), uefi: join(path, 'uefi') }),
};
