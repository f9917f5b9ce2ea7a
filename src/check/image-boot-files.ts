import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileEntry } from '../formats/file-system/file-entry.js';
import type { MarkedSystem } from '../images/system-marker.js';
import { parseSystemMarker, SYSTEM_MARKER } from '../images/system-marker.js';
import { bootFilesOf } from '../formats/firmware-choice.js';
import type { Architecture } from '../model/architecture.js';
import { kernelArchitecture } from '../model/kernel-target.js';
import type { Machine } from '../model/qemu.js';
import { UserError } from '../errors.js';

/** What a boot needs out of an image's FAT partition. File names lie in the folder that was given. */
export type ImageBootFiles = {
  /** What was chosen for it. */
  readonly machine: Machine;
  readonly kernel: string;
  readonly deviceTree?: string;
  /** An archive that holds the root, or a part of it. */
  readonly initramfs?: string;
  /** Undefined: a system with cloud-init. */
  readonly system?: MarkedSystem;
  readonly cmdlineTxt: string;
  /** Empty where there is none: the image is not for PCs. */
  readonly grubCfg: string;
  readonly userData: string;
  readonly metaData: string;
};

type Named = Pick<FileEntry, 'path' | 'kind'>;

/** Files that a boot loader finds: of an image's FAT, or of a folder that a server offers. Paths begin with a slash. */
export type BootFilesReader<Entry extends Named> = {
  entries(): Promise<readonly Entry[]>;
  content(entry: Entry): AsyncIterable<Uint8Array>;
};

/**
 * Copies kernel, device tree, command line and seed out of an image's FAT: no mount, no root. Throws UserError
 * `no-kernel`, `no-command-line`, `no-device-tree` or `no-initramfs`, and ReswarmError `file-system-corrupt`.
 *
 * @param seed of the FAT with the seed, which may be another one
 * @param name what to call the image
 * @param choose the machine for the kernel's architecture
 */
export async function extractBootFiles<Entry extends Named>(
  { reader, seed }: { readonly reader: BootFilesReader<Entry>; readonly seed: BootFilesReader<Entry> },
  name: string,
  choose: (architecture: Architecture) => Machine,
  folder: string,
): Promise<ImageBootFiles> {
  const { entries, bytes, read } = await lookInto(reader);
  const ofSeed = seed === reader ? read : (await lookInto(seed)).read;
  await mkdir(folder, { recursive: true });
  const copy = async (entry: Entry, content?: Uint8Array): Promise<string> => {
    await writeFile(join(folder, basename(entry.path)), content ?? (await bytes(entry)));
    return basename(entry.path);
  };

  const files = bootFilesOf(await read('config.txt'));
  const kernel = entries.get(files.kernel.toLowerCase());
  if (kernel === undefined) {
    throw new UserError('no-kernel', `The boot partition of ${name} holds no ${files.kernel}`);
  }
  const cmdlineTxt = await read(files.commandLine);
  if (cmdlineTxt.trim() === '') {
    throw new UserError('no-command-line', `The boot partition of ${name} holds no ${files.commandLine}`);
  }
  const kernelBytes = await bytes(kernel);
  const machine = choose(kernelArchitecture(kernelBytes));
  const deviceTree = machine.deviceTrees
    .map((file) => entries.get((files.prefix + file).toLowerCase()))
    .find((entry) => entry !== undefined);
  if (deviceTree === undefined && machine.deviceTrees.length > 0) {
    throw new UserError('no-device-tree', `${name} holds no device tree that fits QEMU's ${machine.name}`, {
      hints: [`It would have to be one of ${machine.deviceTrees.join(', ')}.`, 'Try `--machine virt`.'],
    });
  }
  const initramfs = await joinArchives(files.initramfs, entries, name, bytes);
  if (initramfs !== undefined) await writeFile(join(folder, INITRAMFS), initramfs);
  const marker = await read(SYSTEM_MARKER);
  return {
    machine,
    ...(initramfs === undefined ? {} : { initramfs: INITRAMFS }),
    ...(marker === '' ? {} : { system: parseSystemMarker(marker) }),
    kernel: await copy(kernel, kernelBytes),
    ...(deviceTree === undefined ? {} : { deviceTree: await copy(deviceTree) }),
    cmdlineTxt,
    grubCfg: await read('grub.cfg'),
    userData: await ofSeed('user-data'),
    metaData: await ofSeed('meta-data'),
  };
}

/** Its entries by path, without the leading slash and in small letters: FAT does not tell the cases apart. */
async function lookInto<Entry extends Named>(reader: BootFilesReader<Entry>) {
  const entries = new Map((await reader.entries()).map((entry) => [entry.path.slice(1).toLowerCase(), entry]));
  const bytes = async (entry: Entry): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    for await (const part of reader.content(entry)) parts.push(part);
    return Buffer.concat(parts);
  };
  /** Empty for a file that is not there. */
  const read = async (file: string): Promise<string> => {
    const entry = entries.get(file.toLowerCase());
    return entry?.kind === 'file' ? (await bytes(entry)).toString('utf8') : '';
  };
  return { entries, bytes, read };
}

const INITRAMFS = 'initramfs';

/** As the firmware loads them: one behind the other. Throws UserError `no-initramfs`. */
async function joinArchives<Entry>(
  names: readonly string[],
  entries: ReadonlyMap<string, Entry>,
  image: string,
  bytes: (entry: Entry) => Promise<Buffer>,
): Promise<Buffer | undefined> {
  if (names.length === 0) return undefined;
  const parts: Buffer[] = [];
  for (const name of names) {
    const entry = entries.get(name.toLowerCase());
    if (entry === undefined) {
      throw new UserError('no-initramfs', `The boot partition of ${image} holds no ${name}, which config.txt names`);
    }
    parts.push(await bytes(entry));
  }
  return Buffer.concat(parts);
}
