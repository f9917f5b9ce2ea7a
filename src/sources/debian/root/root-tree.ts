import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from '../../../model/command.js';
import { formatCommand } from '../../../model/command.js';
import type { Json } from '../../../model/json.js';
import type { Sandbox } from '../../../model/sandbox.js';
import { sha256 } from '../../../model/sha256.js';
import type { PlacedFile } from '../../../model/software.js';
import type { Host } from '../../../host/host.js';
import type { Tree } from '../../../tools/tree.js';
import type { CopiedFolder } from '../../copy-folder.js';
import type { StageReporter } from '../../../pipeline/reporter.js';
import type { StageContext } from '../../../pipeline/stage.js';
import type { ToolsTree } from '../../../tools/tools-tree.js';
import { copyFolders, folderKey, setTimes } from '../../copy-folder.js';
import { setCapabilities } from './capabilities.js';
import type { PresetRule } from './overlay-presets.js';
import { presetUnits } from './overlay-presets.js';
import { placeFiles, runInImage } from './place-files.js';
import type { Rootfs } from '../rootfs/rootfs.js';

/** A file of few lines that the build decides: fstab, hostname. Mode in octal digits, as chmod takes it. */
export type RootText = { readonly path: string; readonly text: string; readonly mode?: number };

export type DebianTreeInput = OverPackages & {
  /** The packages' file system. */
  readonly rootfs: Pick<Rootfs, 'key' | 'tar'>;
};

/** What goes over the packages. */
export type OverPackages = {
  /** In order: a later one wins. */
  readonly folders: readonly CopiedFolder[];
  readonly texts: readonly RootText[];
  /** Empty folders that must be there: mount points. Relative paths. */
  readonly mountPoints: readonly string[];
  /** Lines for the device's os-release, behind Debian's own. */
  readonly osRelease?: string;
  readonly files: readonly PlacedFile[];
  /** Programs of the image that finish it once all files are there: users, units. Emulated where it is not our architecture. */
  readonly inImage: readonly Command[];
  /** Of overlays: what they say of units is done by the image's own systemctl. */
  readonly presets?: readonly PresetRule[];
  /** File capabilities by absolute path, as `security.capability` holds them, in hex. */
  readonly capabilities?: Readonly<Record<string, string>>;
  readonly sourceDateEpoch: number;
};

/** Packages, kernel modules, firmware of the board's radios, layers, overlays, fstab: a whole Debian root. */
export function debianTree(input: DebianTreeInput): Tree {
  return {
    key: { rootfs: input.rootfs.key, ...overPackagesKey(input) },

    async assemble(folder, tools, context) {
      const mounts = [
        { source: folder, target: '/mnt', writable: true },
        { source: input.rootfs.tar, target: '/run/rootfs.tar' },
      ];
      context.report.step('unpacking the root file system');
      await context.host.runIn({ root: tools.root, mounts }, { file: 'tar', args: UNPACK });
      await layOver(input, folder, tools, context);
    },
  };
}

/** What stands for it in a key. */
export function overPackagesKey(input: OverPackages): { readonly [key: string]: Json } {
  const { presets = [], capabilities = {} } = input;
  return {
    folders: input.folders.map(folderKey),
    texts: Object.fromEntries(
      input.texts.map(({ path, text, mode }) => [path, { sha256: sha256(text), mode: mode ?? null }]),
    ),
    mountPoints: [...input.mountPoints],
    osRelease: input.osRelease ?? null,
    files: input.files.map(fileKey),
    inImage: input.inImage.map(formatCommand),
    ...(presets.length === 0 ? {} : { presets: presets.map((rule) => ({ ...rule })) }),
    ...(Object.keys(capabilities).length === 0 ? {} : { capabilities }),
    sourceDateEpoch: input.sourceDateEpoch,
  };
}

/** Puts it over the packages in `folder`. Throws what `copyFolders`, `placeFiles` and `setCapabilities` throw. */
export async function layOver(
  input: OverPackages,
  folder: string,
  tools: ToolsTree,
  { host, report, work }: StageContext,
): Promise<void> {
  const texts = join(work, 'texts');
  await mkdir(texts, { mode: 0o755 });
  await writeTexts(input.texts, texts);
  for (const path of input.mountPoints) await mkdir(join(texts, path), { recursive: true, mode: 0o755 });
  const sandbox: Sandbox = { root: tools.root, mounts: [{ source: folder, target: '/mnt', writable: true }] };
  report.step('adding modules, firmware and overlays');
  await copyFolders([...input.folders, { path: texts, digest: '', normaliseModes: false }], sandbox, host);
  if (input.osRelease !== undefined) await extendOsRelease(input.osRelease, sandbox, host);
  await placeFiles(input.files, sandbox, host);
  const ofPresets = await presetCommands(folder, input.presets ?? [], report);
  await runInImage([...input.inImage, ...ofPresets], folder, sandbox, host);
  await setCapabilities(input.capabilities ?? {}, sandbox, host);
  await setTimes(input.sourceDateEpoch, sandbox, host);
}

/** Rules for units that the image does not have are told: such a rule is often a wrong name. */
async function presetCommands(
  root: string,
  presets: readonly PresetRule[],
  report: StageReporter,
): Promise<readonly Command[]> {
  const commands: Command[] = [];
  for (const scope of ['system', 'user'] as const) {
    const { units, unknown } = await presetUnits(root, presets, scope);
    for (const name of unknown) {
      report.warn(`A preset of an overlay names ${name}, and the image has no unit of that name.`, PRESET_HINT);
    }
    const where = scope === 'user' ? ['--global'] : [];
    if (units.length > 0) commands.push({ file: 'systemctl', args: [...where, 'preset', ...units] });
  }
  return commands;
}

const PRESET_HINT = 'Add the package that brings it, or write the name that the unit itself has.';

/** Of a packed tree at /run/rootfs.tar, into /mnt. */
export const UNPACK = [
  '--extract',
  '--file=/run/rootfs.tar',
  '--directory=/mnt',
  '--numeric-owner',
  '--preserve-permissions',
  '--xattrs',
  '--xattrs-include=*',
];

async function writeTexts(texts: readonly RootText[], folder: string): Promise<void> {
  for (const { path, text, mode } of texts) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, text);
    await chmod(file, mode ?? 0o644);
  }
}

/**
 * /etc/os-release, a link to Debian's own file, becomes a copy with more lines. The package's file stays as it is; its
 * next upgrade makes the link again, so our lines disappear when Debian's file changes.
 */
async function extendOsRelease(lines: string, sandbox: Sandbox, host: Host): Promise<void> {
  const copy = '/mnt/etc/os-release';
  await host.runIn(sandbox, { file: 'cp', args: ['--remove-destination', '/mnt/usr/lib/os-release', copy] });
  await host.runIn(sandbox, { file: 'tee', args: ['--append', copy], stdin: lines });
}

function fileKey({ sha256: digest, to, mode, owner, unpack }: PlacedFile): Json {
  return { sha256: digest, to, mode, owner, unpack: unpack === undefined ? null : { ...unpack } };
}
