import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../model/bytes.js';
import type { Architecture } from '../model/architecture.js';
import type { Command } from '../model/command.js';
import type { Machine, MachineName, MachineRun, PortForward } from '../model/qemu.js';
import {
  MACHINES,
  commandLineFor,
  defaultMachine,
  deviceTreeCommands,
  overlayWriteCommand,
  qemuCommand,
  withDeviceTree,
} from '../model/qemu.js';
import type { FirmwareName, FirmwareRun } from '../model/qemu-firmware.js';
import { firmwareCommand } from '../model/qemu-firmware.js';
import type { Sandbox } from '../model/sandbox.js';
import { UserError } from '../errors.js';
import { Store } from '../pipeline/store.js';
import type { Host } from '../host/host.js';
import { KVM, hasKvm } from '../host/kvm.js';
import { freePort } from '../host/tcp-port.js';
import type { Reporter } from '../pipeline/reporter.js';
import { prepareCard } from './boot-card.js';
import { prepareFirmware } from './boot-firmware.js';
import type { BootToolsOptions } from './boot-tools.js';
import { obtainBootTools, obtainQemu } from './boot-tools.js';
import type { ImageBootFiles } from './image-boot-files.js';
import { extractBootFiles } from './image-boot-files.js';
import type { RawImage } from '../images/disk-image.js';
import { isRaw, openDiskImage } from '../images/disk-image.js';
import { readBootVolume, readSeedVolume } from '../images/volumes.js';
import { withRawImage } from '../images/raw-image.js';
import type { PartitionTable } from '../model/partition-table.js';

export type BootOptions = BootToolsOptions & {
  /** An image file, packed or not, or a block device. */
  readonly image: string;
  /** Default: the one of the kernel's architecture that can be chosen freely. */
  readonly machine?: MachineName;
  /** One of those that fit the machine; default: the first of them that the image has. */
  readonly deviceTree?: string;
  /** Where that can be chosen (`virt`, `q35`). Default: 1 GiB, as many processors as we have, at most 4. */
  readonly memoryBytes?: number;
  readonly cpus?: number;
  /** Port on 127.0.0.1 that leads to the image's ssh server. */
  readonly sshPort?: number;
  readonly forwards?: readonly PortForward[];
  /** A PC's firmware starts the image, with nothing handed over; default: the kernel is. */
  readonly firmware?: FirmwareName;
  /** The card is kept in this file, and goes on from it when it is there. */
  readonly snapshot?: string;
};

/** The image on a card of its own: everything to start it with but the words on the command line. */
export type LoadedMachine = {
  readonly machine: Machine;
  /** What people know the image by. */
  readonly name: string;
  readonly table: PartitionTable;
  /** The image itself, or its unpacked copy. */
  readonly rawPath: string;
  readonly files: ImageBootFiles;
  readonly sandbox: Sandbox;
  /**
   * QEMU's call; the last things to decide are the caller's. A firmware takes no command line, and the kernel that is
   * handed over no credentials.
   */
  qemu(
    run: Pick<MachineRun, 'commandLine' | 'terminal' | 'greeting'> &
      Pick<FirmwareRun, 'credentials'> & {
        /** Beside those that were asked for. */
        readonly forwards?: readonly PortForward[];
      },
  ): Command;
  /** Writes bytes to the card, not to the image; their number must be a multiple of 512. */
  writeCard(bytes: Uint8Array, offsetBytes: number): Promise<void>;
};

/** Path inside the sandbox. */
const FOLDER = '/run/boot/work';
const DEFAULT_MEMORY_BYTES = 1024 * MiB;
const MOST_CPUS = 4;

/**
 * Makes a card out of the image and throws it away afterwards, unless it is to be kept. The image is only ever read.
 * Throws what withRawImage, `partitions`, readBootVolume, obtainBootTools, prepareCard and extractBootFiles throw, and UserError
 * `machine-fixed`, `machine-of-other-architecture`, `device-tree-unfit`, `firmware-needs-pc` and `port-in-use`.
 */
export async function withLoadedMachine<Result>(
  options: BootOptions,
  host: Host,
  report: Reporter,
  use: (loaded: LoadedMachine) => Promise<Result>,
): Promise<Result> {
  if (options.machine !== undefined) refuseFixed(MACHINES[options.machine], options);
  const forwards = forwardsOf(options);
  for (const { hostPort } of forwards) await freePort(hostPort);
  await requireBootable(options.image, host);
  const tools = await obtainBootTools(options, host, report);
  const load = async (image: RawImage): Promise<Result> => {
    const table = await image.partitions();
    const { reader } = await readBootVolume(image, table);
    const store = new Store(host.facts.cacheDir, host);
    await store.prepare();
    await store.removeAbandoned();
    return store.withScratch(async (folder) => {
      const choose = (architecture: Architecture): Machine => chooseMachine(architecture, options);
      const seed = (await readSeedVolume(image, table)).reader;
      const files = await extractBootFiles({ reader, seed }, image.name, choose, join(folder, 'boot'));
      const machine = withDeviceTree(files.machine, files.deviceTree);
      if (options.firmware !== undefined) requirePc(machine, options.firmware);
      const accelerated = await canAccelerate(machine, host);
      const qemuTree = await obtainQemu(machine, tools, options, host, report);
      const prepared = await prepareCard(
        {
          tools: qemuTree,
          image: image.path,
          name: image.name,
          sizeBytes: image.sizeBytes,
          folder: { outside: folder, inside: FOLDER },
          ...(options.snapshot === undefined ? {} : { snapshot: options.snapshot }),
        },
        host,
      );
      const { card } = prepared;
      const sandbox = accelerated ? withKvm(prepared.sandbox) : prepared.sandbox;
      const boot = (name: string): string => join(FOLDER, 'boot', name);
      const inside = { outside: folder, inside: FOLDER };
      const firmware = options.firmware && (await prepareFirmware(options.firmware, qemuTree, inside));
      for (const edit of files.deviceTree === undefined ? [] : deviceTreeCommands(machine, boot(files.deviceTree))) {
        await host.runIn(sandbox, edit, { okExitCodes: [0, 1] });
      }
      return await use({
        machine,
        name: image.name,
        table,
        rawPath: image.path,
        files,
        sandbox,
        qemu: ({ commandLine, credentials, forwards: more = [], ...run }) => {
          const keepsCard = options.snapshot !== undefined;
          const setup = { ...run, machine, forwards: [...forwards, ...more], accelerated, ...sizeOf(options, host) };
          if (firmware !== undefined) {
            const medium = { as: 'disk', file: card, format: 'qcow2', keeps: keepsCard } as const;
            return firmwareCommand({ ...setup, firmware, medium, ...(credentials && { credentials }) });
          }
          return qemuCommand({
            ...setup,
            commandLine,
            card,
            kernel: boot(files.kernel),
            ...(files.deviceTree === undefined ? {} : { deviceTree: boot(files.deviceTree) }),
            ...(files.initramfs === undefined ? {} : { initramfs: boot(files.initramfs) }),
            keepsCard,
          });
        },
        writeCard: async (bytes, offsetBytes) => {
          await writeFile(join(folder, 'sectors'), bytes);
          await host.runIn(sandbox, overlayWriteCommand(card, join(FOLDER, 'sectors'), offsetBytes, bytes.length));
        },
      });
    });
  };
  return withRawImage(options.image, host, load, { tools });
}

/** Throws UserError `machine-fixed`. */
export function refuseFixed(machine: Machine, { memoryBytes, cpus }: Pick<BootOptions, 'memoryBytes' | 'cpus'>): void {
  if (machine.fixed === undefined || (memoryBytes === undefined && cpus === undefined)) return;
  throw new UserError('machine-fixed', `QEMU's ${machine.name} always has ${machine.fixed}`, {
    hints: ['Leave --memory and --cpus out, or take --machine virt.'],
  });
}

/** Throws UserError `machine-of-other-architecture` and `device-tree-unfit`. */
function chooseMachine(architecture: Architecture, { image, machine, deviceTree }: BootOptions): Machine {
  const usual = defaultMachine(architecture);
  const chosen = machine === undefined ? usual : MACHINES[machine];
  if (chosen.architecture === architecture) return fitting(chosen, deviceTree);
  throw new UserError(
    'machine-of-other-architecture',
    `The kernel of ${image} is for ${architecture}, and QEMU's ${chosen.name} is a machine for ${chosen.architecture}`,
    { hints: [`Leave --machine out, or take ${usual.name}.`] },
  );
}

/** Throws UserError `firmware-needs-pc`. */
function requirePc(machine: Machine, firmware: FirmwareName): void {
  if (machine.architecture === 'amd64') return;
  throw new UserError('firmware-needs-pc', `QEMU's ${machine.name} is no PC: it has no ${firmware.toUpperCase()}`, {
    hints: ['Leave --firmware out: the kernel of the image is started.'],
  });
}

/** Memory and processors as asked for, or what a small server has. */
export function sizeOf({ cpus, memoryBytes }: Pick<BootOptions, 'cpus' | 'memoryBytes'>, host: Host) {
  return {
    cpus: cpus ?? Math.min(host.facts.cpus, MOST_CPUS),
    memoryBytes: memoryBytes ?? DEFAULT_MEMORY_BYTES,
  };
}

/** KVM runs the host's own architecture only, and no Raspberry Pi of QEMU's. */
export async function canAccelerate({ architecture, fixed }: Machine, host: Host): Promise<boolean> {
  return fixed === undefined && architecture === host.facts.architecture && (await hasKvm(architecture));
}

export function withKvm(sandbox: Sandbox): Sandbox {
  return { ...sandbox, mounts: [...(sandbox.mounts ?? []), { source: KVM, target: KVM, device: true }] };
}

/**
 * Refuses what is no image before tools are made for it; of a packed one only its first sector is looked at. Throws what
 * openDiskImage, `partitions` and readBootVolume throw.
 */
export async function requireBootable(path: string, host: Host): Promise<void> {
  try {
    const image = await openDiskImage(path, host);
    try {
      if (isRaw(image)) await readBootVolume(image, await image.partitions());
    } finally {
      await image.close();
    }
  } catch (error) {
    // The tools that are made next bring a program to unpack it.
    if (error instanceof UserError && error.code === 'decompressor-missing') return;
    throw error;
  }
}

export function forwardsOf({ sshPort, forwards = [] }: BootOptions): readonly PortForward[] {
  return [...(sshPort === undefined ? [] : [{ hostPort: sshPort, guestPort: 22 }]), ...forwards];
}

/** Throws UserError `device-tree-unfit` for a device tree that the machine cannot be started with. */
export function fitting(machine: Machine, deviceTree: string | undefined): Machine {
  if (deviceTree === undefined) return machine;
  if (machine.deviceTrees.includes(deviceTree)) return { ...machine, deviceTrees: [deviceTree] };
  const hint =
    machine.deviceTrees.length === 0
      ? `QEMU makes the device tree of ${machine.name} itself.`
      : `It takes one of ${machine.deviceTrees.join(', ')}.`;
  throw new UserError('device-tree-unfit', `QEMU's ${machine.name} is not a board of ${deviceTree}`, { hints: [hint] });
}

/**
 * Boots the image on our own terminal, with the host's network, until it powers off or Ctrl-a x. Without a port for its
 * ssh server a free one is taken.
 */
export async function bootImage(
  options: BootOptions,
  host: Host,
  report: Reporter,
): Promise<{ readonly exitCode: number }> {
  const sshPort = options.sshPort ?? (await freePort());
  return withLoadedMachine({ ...options, sshPort }, host, report, async (loaded) => {
    const commandLine = commandLineFor(loaded.machine, loaded.files.cmdlineTxt, []);
    const fate = options.snapshot === undefined ? 'is thrown away' : `is kept in ${options.snapshot}`;
    for (const { hostPort, guestPort } of forwardsOf({ ...options, sshPort })) {
      report.emit({ type: 'notice', text: `127.0.0.1:${hostPort} leads to its port ${guestPort}.` });
    }
    report.emit({ type: 'notice', text: `Ctrl-a x ends the machine. What it writes ${fate}.` });
    const exit = await host.attachIn(
      { ...loaded.sandbox, network: true },
      loaded.qemu({ commandLine, terminal: true }),
    );
    return { exitCode: exit.exitCode ?? 1 };
  });
}
