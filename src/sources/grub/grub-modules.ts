import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../../errors.js';
import type { Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { SourceDeb } from '../debian/packages.js';
import { unpackDeb } from '../debian/unpack-deb.js';

/** Debian packages of the board's architecture that hold GRUB's own code: for a BIOS, and for UEFI. */
export const GRUB_PACKAGES = ['grub-pc-bin', 'grub-efi-amd64-bin'] as const;

/** Folders of GRUB's modules, as GRUB calls its platforms. */
export type GrubPlatform = 'i386-pc' | 'x86_64-efi';

export type GrubModulesInput = { readonly tools: ToolsTree; readonly debs: readonly SourceDeb[] };

/** GRUB's code, not yet put together. */
export type GrubModules = {
  readonly key: string;
  /** Holds a folder of each platform. */
  readonly path: string;
  /** Debian's: "2.12-9+deb13u4". */
  readonly version: string;
};

/** What each package has to hold, so that the next stages can rely on it. */
const NEEDED: Readonly<Record<GrubPlatform, string>> = { 'i386-pc': 'boot.img', 'x86_64-efi': 'moddep.lst' };

/** GRUB's modules out of Debian's packages, whatever machine this is. Throws ReswarmError `grub-modules`. */
export const grubModulesStage: Stage<GrubModulesInput, GrubModules> = {
  name: 'grub',
  version: 1,
  group: 'Firmware',
  key: ({ debs }) => ({ debs: debs.map(({ sha256 }) => sha256) }),

  async run({ tools, debs }, out, context) {
    for (const deb of debs) {
      context.report.step(`unpacking ${deb.name} ${deb.version}`);
      await cp(join(await unpackDeb(deb, tools, context), 'usr/lib/grub'), out, { recursive: true });
    }
    for (const [platform, file] of Object.entries(NEEDED)) {
      await readFile(join(out, platform, file)).catch((cause: unknown) => {
        const names = debs.map(({ name, version }) => `${name} ${version}`).join(' and ');
        throw new ReswarmError('grub-modules', `${names} hold no ${platform}/${file}`, { cause });
      });
    }
    await writeFile(join(out, 'version'), debs[0]?.version ?? '');
  },

  open: async ({ key, path }) => ({ key, path, version: await readFile(join(path, 'version'), 'utf8') }),
};
