import { resolve } from 'node:path';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { ServedRequest } from '../host/serve-folder.js';
import { withServedFolders } from '../host/serve-folder.js';
import type { NetworkManifest } from '../images/network-folder.js';
import { checkNetworkFiles, requireNetworkFolder } from '../images/network-folder.js';
import type { Command } from '../model/command.js';
import type { Machine, NetworkBoot, PortForward } from '../model/qemu.js';
import {
  commandLineFor,
  defaultMachine,
  deviceTreeCommands,
  MACHINES,
  qemuCommand,
  withDeviceTree,
} from '../model/qemu.js';
import type { Firmware } from '../model/qemu-firmware.js';
import { firmwareCommand } from '../model/qemu-firmware.js';
import type { Sandbox } from '../model/sandbox.js';
import type { Reporter } from '../pipeline/reporter.js';
import { Store } from '../pipeline/store.js';
import { prepareFirmware } from './boot-firmware.js';
import type { BootOptions } from './boot-image.js';
import { canAccelerate, fitting, forwardsOf, refuseFixed, sizeOf, withKvm } from './boot-image.js';
import { obtainBootTools, obtainQemu } from './boot-tools.js';
import { folderReader } from './folder-reader.js';
import type { ImageBootFiles } from './image-boot-files.js';
import { extractBootFiles } from './image-boot-files.js';
import type { NetworkLoaderName, NetworkSource } from './network-start.js';
import { networkWay, offeredAt, offerByTftp } from './network-start.js';

export type FolderOptions = Omit<BootOptions, 'snapshot'> & {
  /** Default: `http` for a PC, `initrd` for machines whose firmware knows no network. */
  readonly from?: NetworkSource;
  /** Default: `ipxe` by BIOS, `grub` by UEFI. */
  readonly loader?: NetworkLoaderName;
  /** A device with a folder of its own: its name, or the folder's. */
  readonly device?: string;
};

/** A machine without any drive: everything to start it with. */
export type LoadedFolder = {
  readonly machine: Machine;
  readonly files: ImageBootFiles;
  readonly sandbox: Sandbox;
  /** What the HTTP server was asked for so far. */
  readonly requests: readonly ServedRequest[];
  qemu(run: { readonly terminal: boolean; readonly forwards?: readonly PortForward[] }): Command;
};

/** Paths inside the sandbox. */
const FOLDER = '/run/boot/work';
const TFTP = `${FOLDER}/tftp`;

/**
 * A machine without any drive that starts from a folder of network boot, which is only ever read. Every file is held
 * against the folder's list first. Throws UserError `not-a-network-folder`, `network-file-missing`,
 * `network-file-changed`, `network-device-unknown`, `network-source-unfit`, `machine-of-other-architecture`,
 * `machine-fixed`, `device-tree-unfit`, `port-in-use`, and what extractBootFiles and obtainBootTools throw.
 *
 * @param extra words for the kernel beside the folder's own
 */
export async function withLoadedFolder<Result>(
  options: FolderOptions,
  extra: readonly string[],
  host: Host,
  report: Reporter,
  use: (loaded: LoadedFolder) => Promise<Result>,
): Promise<Result> {
  const offered = resolve(options.image);
  const manifest = await requireNetworkFolder(offered);
  const device = deviceOf(options, manifest);
  const chosen = machineOf(options, manifest);
  const way = networkWay(chosen, options);
  const { problems, warnings } = await checkNetworkFiles(offered, manifest);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  for (const { message } of warnings) report.emit({ type: 'notice', text: message });
  const tree = await obtainQemu(chosen, await obtainBootTools(options, host, report), options, host, report);
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const requests: ServedRequest[] = [];
  const note = (request: ServedRequest): void => void requests.push(request);
  return withServedFolders([offered], note, (port) =>
    store.withScratch(async (folder) => {
      const reader = folderReader([...(device === undefined ? [] : [join(offered, device.folder)]), offered]);
      const files = await extractBootFiles({ reader, seed: reader }, options.image, () => chosen, join(folder, 'boot'));
      const machine = withDeviceTree(chosen, files.deviceTree);
      const words = [`console=${machine.console}`, ...machine.kernelArguments, ...extra];
      const tftp = { outside: join(folder, 'tftp'), inside: TFTP };
      const network = way && (await offerByTftp(way, options.firmware ?? 'bios', offered, tftp, port, words));
      const sandbox = await sandboxOf({ tree, folder, offered, machine, files, isServed: way !== undefined }, host);
      const firmware = await prepareFirmware(options.firmware ?? 'bios', tree, { outside: folder, inside: FOLDER });
      const accelerated = await canAccelerate(machine, host);
      const start = { options, files, machine, network, firmware, extra, accelerated, mac: device?.mac };
      return use({
        machine,
        files,
        requests,
        sandbox: accelerated ? withKvm(sandbox) : sandbox,
        qemu: (run) => startCommand(start, run, host),
      });
    }),
  );
}

type Start = {
  readonly options: FolderOptions;
  readonly files: ImageBootFiles;
  readonly machine: Machine;
  readonly network: NetworkBoot | undefined;
  readonly firmware: Firmware;
  readonly extra: readonly string[];
  readonly accelerated: boolean;
  readonly mac: string | undefined;
};

function startCommand(
  { options, files, machine, network, firmware, extra, accelerated, mac }: Start,
  { terminal, forwards = [] }: Parameters<LoadedFolder['qemu']>[0],
  host: Host,
): Command {
  const all = [...forwardsOf(options), ...forwards];
  const size = sizeOf(options, host);
  const setup = { machine, terminal, forwards: all, accelerated, ...size, mac, networkBoot: network };
  if (network !== undefined) return firmwareCommand({ ...setup, firmware });
  return qemuCommand({
    ...setup,
    commandLine: commandLineFor(machine, files.cmdlineTxt, extra, { verbose: !terminal }),
    kernel: inBoot(files.kernel),
    ...(files.deviceTree === undefined ? {} : { deviceTree: inBoot(files.deviceTree) }),
    ...(files.initramfs === undefined ? {} : { initramfs: inBoot(files.initramfs) }),
    keepsCard: false,
  });
}

function inBoot(name: string): string {
  return join(FOLDER, 'boot', name);
}

async function sandboxOf(
  made: {
    readonly tree: string;
    readonly folder: string;
    readonly offered: string;
    readonly machine: Machine;
    readonly files: ImageBootFiles;
    readonly isServed: boolean;
  },
  host: Host,
): Promise<Sandbox> {
  const { tree, folder, offered, machine, files, isServed } = made;
  const sandbox: Sandbox = {
    root: tree,
    cwd: FOLDER,
    network: true,
    mounts: [
      { source: folder, target: FOLDER, writable: true },
      ...(isServed ? [{ source: offered, target: offeredAt(TFTP) }] : []),
    ],
  };
  const { deviceTree } = files;
  for (const edit of deviceTree === undefined ? [] : deviceTreeCommands(machine, inBoot(deviceTree))) {
    await host.runIn(sandbox, edit, { okExitCodes: [0, 1] });
  }
  return sandbox;
}

/** Throws UserError `machine-of-other-architecture`, `machine-fixed`, `device-tree-unfit`. */
function machineOf(options: FolderOptions, { architecture }: NetworkManifest): Machine {
  const usual = defaultMachine(architecture);
  const chosen = options.machine === undefined ? usual : MACHINES[options.machine];
  refuseFixed(chosen, options);
  if (chosen.architecture === architecture) return fitting(chosen, options.deviceTree);
  const message = `${options.image} is for ${architecture}, and QEMU's ${chosen.name} is a machine for ${chosen.architecture}`;
  throw new UserError('machine-of-other-architecture', message, {
    hints: [`Leave --machine out, or take ${usual.name}.`],
  });
}

const MAC_FOLDER = /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/;

/** The device that the machine is to be: its folder, and its MAC address where it has one. */
function deviceOf({ device, image }: FolderOptions, { devices }: NetworkManifest) {
  if (device === undefined) return undefined;
  const wanted = device.toLowerCase().replaceAll(':', '-');
  const found = devices.find(({ name, folders }) => name === device || folders.includes(wanted));
  if (found === undefined) {
    const known = devices.map(({ name }) => name).join(', ');
    throw new UserError('network-device-unknown', `${image} has no folder of a device "${device}"`, {
      hints: [known === '' ? 'It has none at all: make them with `fleet images`.' : `It has those of ${known}.`],
    });
  }
  const { folders } = found;
  const mac = folders.find((folder) => MAC_FOLDER.test(folder))?.replaceAll('-', ':');
  return { folder: folders[0] ?? '', mac };
}
