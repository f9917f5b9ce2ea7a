import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../domain/bytes.js';
import type { Command } from '../domain/command.js';
import type { Machine, MachineName, MachineRun } from '../domain/qemu.js';
import {
  MACHINES,
  cardSize,
  commandLineFor,
  overlayCommand,
  overlayWriteCommand,
  qemuCommand,
  withDeviceTree,
} from '../domain/qemu.js';
import type { Sandbox } from '../domain/sandbox.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { BootToolsOptions } from './boot-tools.js';
import { obtainBootTools } from './boot-tools.js';
import type { ImageBootFiles } from './image-boot-files.js';
import { extractBootFiles } from './image-boot-files.js';
import type { ImageTable } from './image-table.js';
import { readImageTable } from './image-table.js';

export type BootOptions = BootToolsOptions & {
  readonly image: string;
  readonly machine: MachineName;
  /** One of those that fit the machine; default: the first of them that the image has. */
  readonly deviceTree?: string;
  /** Where the machine can be chosen freely (`virt`). Default: 1 GiB, as many processors as we have, at most 4. */
  readonly memoryBytes?: number;
  readonly cpus?: number;
  /** Port on 127.0.0.1 that leads to the image's ssh server. */
  readonly sshPort?: number;
};

/** The image on a card of its own: everything to start it with but the words on the command line. */
export type LoadedMachine = {
  readonly machine: Machine;
  readonly table: ImageTable;
  readonly files: ImageBootFiles;
  readonly sandbox: Sandbox;
  /** QEMU's call; the last things to decide are the caller's. */
  qemu(run: Pick<MachineRun, 'commandLine' | 'terminal' | 'greeting'>): Command;
  /** Writes bytes to the card, not to the image; their number must be a multiple of 512. */
  writeCard(bytes: Uint8Array, offsetBytes: number): Promise<void>;
};

/** Paths inside the sandbox. */
const IMAGE = '/run/boot/image';
const FOLDER = '/run/boot/work';
const DEFAULT_MEMORY_BYTES = 1024 * MiB;
const MOST_CPUS = 4;

/**
 * Makes a card out of the image and throws it away afterwards. The image is opened read-only and mounted read-only
 * into the sandbox. Throws what readImageTable, obtainBootTools and extractBootFiles throw, and
 * UserError `machine-fixed`.
 */
export async function withLoadedMachine<Result>(
  options: BootOptions,
  host: Host,
  report: Reporter,
  use: (loaded: LoadedMachine) => Promise<Result>,
): Promise<Result> {
  const table = await readImageTable(options.image);
  const chosen = MACHINES[options.machine];
  if (chosen.fixed !== undefined && (options.memoryBytes !== undefined || options.cpus !== undefined)) {
    throw new UserError('machine-fixed', `QEMU's ${chosen.name} always has ${chosen.fixed}`, {
      hints: ['Leave --memory and --cpus out, or take --machine virt.'],
    });
  }
  const tools = await obtainBootTools(options, host, report);
  await mkdir(host.facts.cacheDir, { recursive: true });
  const folder = await mkdtemp(join(host.facts.cacheDir, 'boot-'));
  try {
    const sandbox: Sandbox = {
      root: tools,
      mounts: [
        { source: await realpath(options.image), target: IMAGE },
        { source: folder, target: FOLDER, writable: true },
      ],
      cwd: FOLDER,
    };
    const shelf = { sandbox, image: IMAGE, folder: { inside: FOLDER, outside: folder } };
    const files = await extractBootFiles(table, fitting(chosen, options.deviceTree), shelf, host);
    const machine = withDeviceTree(chosen, files.deviceTree);
    const card = join(FOLDER, 'card.qcow2');
    await host.runIn(sandbox, overlayCommand(IMAGE, card, cardSize(table.sizeBytes)));
    const boot = (name: string): string => join(FOLDER, 'boot', name);
    return await use({
      machine,
      table,
      files,
      sandbox,
      qemu: (run) =>
        qemuCommand({
          ...run,
          machine,
          card,
          kernel: boot(files.kernel),
          ...(files.deviceTree === undefined ? {} : { deviceTree: boot(files.deviceTree) }),
          cpus: options.cpus ?? Math.min(host.facts.cpus, MOST_CPUS),
          memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
          ...(options.sshPort === undefined ? {} : { sshPort: options.sshPort }),
        }),
      writeCard: async (bytes, offsetBytes) => {
        await writeFile(join(folder, 'sectors'), bytes);
        await host.runIn(sandbox, overlayWriteCommand(card, join(FOLDER, 'sectors'), offsetBytes, bytes.length));
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws UserError `device-tree-unfit` for a device tree that the machine cannot be started with. */
function fitting(machine: Machine, deviceTree: string | undefined): Machine {
  if (deviceTree === undefined) return machine;
  if (machine.deviceTrees.includes(deviceTree)) return { ...machine, deviceTrees: [deviceTree] };
  const hint =
    machine.deviceTrees.length === 0
      ? `QEMU makes the device tree of ${machine.name} itself.`
      : `It takes one of ${machine.deviceTrees.join(', ')}.`;
  throw new UserError('device-tree-unfit', `QEMU's ${machine.name} is not a board of ${deviceTree}`, { hints: [hint] });
}

/** Boots the image on our own terminal, with the host's network, until it powers off or Ctrl-a x. */
export async function bootImage(
  options: BootOptions,
  host: Host,
  report: Reporter,
): Promise<{ readonly exitCode: number }> {
  return withLoadedMachine(options, host, report, async (loaded) => {
    const commandLine = commandLineFor(loaded.machine, loaded.files.cmdlineTxt, []);
    report.emit({ type: 'notice', text: 'Ctrl-a x ends the machine. What it writes is thrown away.' });
    const exit = await host.attachIn(
      { ...loaded.sandbox, network: true },
      loaded.qemu({ commandLine, terminal: true }),
    );
    return { exitCode: exit.exitCode ?? 1 };
  });
}
