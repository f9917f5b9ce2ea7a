import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import { isDisc } from '../formats/iso9660.js';
import type { Host } from '../host/host.js';
import { freePort } from '../host/tcp-port.js';
import { isRaw, openDiskImage } from '../images/disk-image.js';
import type { Command } from '../model/command.js';
import type { PortForward } from '../model/qemu.js';
import { MACHINES, overlayCommand } from '../model/qemu.js';
import type { FirmwareName, FirmwareRun } from '../model/qemu-firmware.js';
import { firmwareCommand } from '../model/qemu-firmware.js';
import type { Sandbox } from '../model/sandbox.js';
import type { Reporter } from '../pipeline/reporter.js';
import { Store } from '../pipeline/store.js';
import { prepareFirmware } from './boot-firmware.js';
import type { BootOptions } from './boot-image.js';
import { canAccelerate, forwardsOf, sizeOf, withKvm } from './boot-image.js';
import { obtainBootTools, obtainQemu } from './boot-tools.js';

export type DiscOptions = BootOptions & {
  /** The disc is written to a USB stick; default: it lies in a drive. */
  readonly usb?: boolean;
};

/** A PC with the disc: everything to start it with. */
export type LoadedDisc = {
  readonly sandbox: Sandbox;
  /** QEMU's call; the last things to decide are the caller's. */
  qemu(
    run: Pick<FirmwareRun, 'terminal' | 'greeting' | 'credentials'> & { readonly forwards?: readonly PortForward[] },
  ): Command;
};

/** Paths inside the sandbox. */
const FOLDER = '/run/boot/work';
const DISC = '/run/boot/disc.iso';

/** Whether a path is a disc's image, by its content; a packed one is taken for a card's. Throws what openDiskImage throws. */
export async function isDiscImage(path: string, host: Host): Promise<boolean> {
  try {
    const image = await openDiskImage(path, host);
    try {
      return isRaw(image) && (await isDisc(image.read));
    } finally {
      await image.close();
    }
  } catch (error) {
    // What is wrong with it is told by whoever takes it for a card's.
    if (error instanceof UserError) return false;
    throw error;
  }
}

/**
 * A PC that starts from an ISO, by BIOS unless said otherwise. The ISO is only ever read: what is written to a stick is
 * thrown away. Throws UserError `disc-needs-pc`, `port-in-use`, and what obtainBootTools throws.
 */
export async function withLoadedDisc<Result>(
  options: DiscOptions,
  host: Host,
  report: Reporter,
  use: (loaded: LoadedDisc) => Promise<Result>,
): Promise<Result> {
  refuseUnfit(options);
  const forwards = forwardsOf(options);
  for (const { hostPort } of forwards) await freePort(hostPort);
  const machine = MACHINES.q35;
  const tools = await obtainBootTools(options, host, report);
  const tree = await obtainQemu(machine, tools, options, host, report);
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  return store.withScratch(async (folder) => {
    const scratch = { outside: folder, inside: FOLDER };
    const mounts = [
      { source: await realpath(options.image), target: DISC },
      { source: folder, target: FOLDER, writable: true },
    ];
    const plain: Sandbox = { root: tree, cwd: FOLDER, mounts };
    const accelerated = await canAccelerate(machine, host);
    const firmware = await prepareFirmware(options.firmware ?? DEFAULT_FIRMWARE, tree, scratch);
    const medium = options.usb === true ? await stick(plain, options.image, host) : drive;
    return use({
      sandbox: accelerated ? withKvm(plain) : plain,
      qemu: ({ forwards: more = [], ...run }) =>
        firmwareCommand({
          ...run,
          machine,
          forwards: [...forwards, ...more],
          accelerated,
          ...sizeOf(options, host),
          firmware,
          medium,
        }),
    });
  });
}

const DEFAULT_FIRMWARE: FirmwareName = 'bios';
const drive = { as: 'cd', file: DISC, format: 'raw' } as const;

/** A stick can be written to: an overlay of the ISO's own size. */
async function stick(sandbox: Sandbox, path: string, host: Host) {
  const image = await openDiskImage(path, host);
  const sizeBytes = image.sizeBytes ?? 0;
  await image.close();
  const file = join(FOLDER, 'stick.qcow2');
  await host.runIn(sandbox, overlayCommand(DISC, file, sizeBytes));
  return { as: 'usb', file, format: 'qcow2' } as const;
}

/** Throws UserError `disc-needs-pc` for options that only make sense for a card. */
function refuseUnfit({ image, machine, deviceTree, snapshot }: DiscOptions): void {
  const unfit = [
    ...(machine === undefined || machine === 'q35' ? [] : [`--machine ${machine}`]),
    ...(deviceTree === undefined ? [] : ['--device-tree']),
    ...(snapshot === undefined ? [] : ['--snapshot']),
  ];
  if (unfit.length === 0) return;
  throw new UserError('disc-needs-pc', `${image} is a disc, which a PC starts: ${unfit.join(', ')} does not fit`, {
    hints: ['Leave it out.'],
  });
}

/** Starts a disc on our own terminal, with the host's network, until it powers off or Ctrl-a x. */
export async function bootDisc(
  options: DiscOptions,
  host: Host,
  report: Reporter,
): Promise<{ readonly exitCode: number }> {
  return withLoadedDisc(options, host, report, async (loaded) => {
    for (const { hostPort, guestPort } of forwardsOf(options)) {
      report.emit({ type: 'notice', text: `127.0.0.1:${hostPort} leads to its port ${guestPort}.` });
    }
    report.emit({ type: 'notice', text: 'Ctrl-a x ends the machine.' });
    const exit = await host.attachIn({ ...loaded.sandbox, network: true }, loaded.qemu({ terminal: true }));
    return { exitCode: exit.exitCode ?? 1 };
  });
}
