import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bootFilesOf } from '../domain/firmware-choice.js';
import type { Command } from '../domain/command.js';
import type { Machine } from '../domain/qemu.js';
import type { Sandbox } from '../domain/sandbox.js';
import { CommandError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { ImageTable } from './image-table.js';

/** What a boot needs out of an image's FAT partition. File names lie in the folder that was given. */
export type ImageBootFiles = {
  readonly kernel: string;
  readonly deviceTree?: string;
  readonly cmdlineTxt: string;
  readonly userData: string;
  readonly metaData: string;
};

export type Shelf = {
  /** Sees the image at `image` and may write into `folder`. */
  readonly sandbox: Sandbox;
  readonly image: string;
  /** The same folder as the sandbox and as we see it. */
  readonly folder: { readonly inside: string; readonly outside: string };
};

/**
 * Copies kernel, device tree, command line and seed out of the image, with mtools: no mount, no root.
 * Throws UserError `boot-partition-unreadable`, `no-kernel`, `no-command-line` or `no-device-tree`.
 */
export async function extractBootFiles(
  table: ImageTable,
  machine: Machine,
  shelf: Shelf,
  host: Host,
): Promise<ImageBootFiles> {
  const drive = ['-i', `${shelf.image}@@${table.boot.offsetBytes}`];
  const mtools = async (file: string, args: readonly string[]): Promise<string> => {
    const command: Command = { file, args: [...drive, ...args], env: { MTOOLS_SKIP_CHECK: '1' } };
    const output = await host.runIn(shelf.sandbox, command);
    return output.stdout;
  };
  const names = await listNames(table, mtools);
  await mkdir(join(shelf.folder.outside, 'boot'), { recursive: true });
  const copy = async (name: string): Promise<string> => {
    await mtools('mcopy', ['-n', `::${name}`, join(shelf.folder.inside, 'boot', basename(name))]);
    return basename(name);
  };
  const read = async (name: string): Promise<string> =>
    names.has(name.toLowerCase()) ? readFile(join(shelf.folder.outside, 'boot', await copy(name)), 'utf8') : '';

  const files = bootFilesOf(await read('config.txt'));
  if (!names.has(files.kernel.toLowerCase())) {
    throw new UserError('no-kernel', `The boot partition of ${table.path} holds no ${files.kernel}`);
  }
  const cmdlineTxt = await read(files.commandLine);
  if (cmdlineTxt.trim() === '') {
    throw new UserError('no-command-line', `The boot partition of ${table.path} holds no ${files.commandLine}`);
  }
  const deviceTree = findDeviceTree(machine, files.prefix, names);
  if (deviceTree === undefined && machine.deviceTrees.length > 0) {
    throw new UserError('no-device-tree', `${table.path} holds no device tree that fits QEMU's ${machine.name}`, {
      hints: [`It would have to be one of ${machine.deviceTrees.join(', ')}.`, 'Try `--machine virt`.'],
    });
  }
  return {
    kernel: await copy(files.kernel),
    ...(deviceTree === undefined ? {} : { deviceTree: await copy(deviceTree) }),
    cmdlineTxt,
    userData: await read('user-data'),
    metaData: await read('meta-data'),
  };
}

function findDeviceTree(machine: Machine, prefix: string, names: ReadonlySet<string>): string | undefined {
  return machine.deviceTrees.map((name) => prefix + name).find((name) => names.has(name.toLowerCase()));
}

/** Paths of all files, in lower case: FAT does not tell the cases apart. */
async function listNames(
  table: ImageTable,
  mtools: (file: string, args: readonly string[]) => Promise<string>,
): Promise<ReadonlySet<string>> {
  try {
    const listing = await mtools('mdir', ['-b', '-/', '::/']);
    return new Set(listing.split('\n').map((line) => line.replace(/^::\//, '').toLowerCase()));
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
    throw new UserError(
      'boot-partition-unreadable',
      `Partition ${table.boot.number} of ${table.path} holds no FAT file system`,
      { details: error.details, cause: error },
    );
  }
}
