import type { Architecture } from './architecture.js';
import { GiB, MiB } from './bytes.js';
import type { Command } from './command.js';

export const MACHINE_NAMES = ['virt', 'raspi3b', 'raspi4b', 'q35'] as const;
export type MachineName = (typeof MACHINE_NAMES)[number];

/** A machine that QEMU can be, and how a Raspberry Pi image has to be told about it. */
export type Machine = {
  readonly name: MachineName;
  readonly architecture: Architecture;
  /** Where the kernel finds the serial line that we watch. */
  readonly console: string;
  /** Device trees of the image that fit, best first; none where QEMU makes its own. */
  readonly deviceTrees: readonly string[];
  /**
   * What fdtput changes in a copy of the device tree, the file's name left out: only where QEMU's model differs so much
   * from the board that the shipped one would not start.
   */
  readonly deviceTreeEdits: readonly (readonly string[])[];
  /** What the system must be told because QEMU differs from the real thing. */
  readonly kernelArguments: readonly string[];
  /** Which of QEMU's serial lines that is: 0 by default. */
  readonly consoleLine?: number;
  /** Memory and processors, where QEMU takes no others. */
  readonly fixed?: string;
  /** How long a boot check may take in seconds: emulated, on a busy machine. */
  readonly timeoutSeconds: number;
};

/** Facts of QEMU 10: docs/system/arm/{virt,raspi}.rst, hw/arm/bcm2835_peripherals.c. */
export const MACHINES: Readonly<Record<MachineName, Machine>> = {
  virt: {
    name: 'virt',
    architecture: 'arm64',
    console: 'ttyAMA0',
    deviceTrees: [],
    deviceTreeEdits: [],
    kernelArguments: [],
    timeoutSeconds: 300,
  },
  raspi3b: {
    name: 'raspi3b',
    architecture: 'arm64',
    // The PL011 (ttyAMA0) belongs to Bluetooth in the shipped device tree; GPIO 14/15 carry the mini-UART.
    console: 'ttyS1,115200',
    consoleLine: 1,
    deviceTrees: [
      'bcm2837-rpi-3-b.dtb',
      'bcm2837-rpi-3-b-plus.dtb',
      'bcm2837-rpi-zero-2-w.dtb',
      'bcm2837-rpi-cm3-io3.dtb',
      'bcm2710-rpi-3-b.dtb',
      'bcm2710-rpi-3-b-plus.dtb',
    ],
    deviceTreeEdits: [],
    // QEMU's watchdog does not count: to arm it is to reset the machine (hw/misc/bcm2835_powermgt.c).
    kernelArguments: ['systemd.watchdog_sec=0'],
    fixed: '1 GiB of memory and 4 processors',
    timeoutSeconds: 900,
  },
  raspi4b: {
    name: 'raspi4b',
    architecture: 'arm64',
    // QEMU's mini-UART floods the system with interrupts here, so Bluetooth lends its PL011 to the console.
    console: 'ttyAMA0,115200',
    deviceTrees: ['bcm2711-rpi-4-b.dtb'],
    deviceTreeEdits: [
      ['-r', '/soc/serial@7e201000/bluetooth'],
      // QEMU puts the card into the controller that has the wifi chip on a board, whose power switch it does not have.
      ['-d', '/soc/mmc@7e300000', 'mmc-pwrseq'],
    ],
    kernelArguments: ['systemd.watchdog_sec=0'],
    fixed: '2 GiB of memory and 4 processors',
    timeoutSeconds: 900,
  },
  q35: {
    name: 'q35',
    architecture: 'amd64',
    console: 'ttyS0,115200',
    deviceTrees: [],
    deviceTreeEdits: [],
    kernelArguments: [],
    timeoutSeconds: 300,
  },
};

/** What an image of this architecture is started on. */
export function defaultMachine(architecture: Architecture): Machine {
  return MACHINES[architecture === 'amd64' ? 'q35' : 'virt'];
}

/** The machine as a device tree makes it: without Bluetooth, the Compute Module's console is the PL011. */
export function withDeviceTree(machine: Machine, deviceTree: string | undefined): Machine {
  if (deviceTree !== 'bcm2837-rpi-cm3-io3.dtb') return machine;
  return { ...machine, console: 'ttyAMA0,115200', consoleLine: 0 };
}

/** A port on this machine's 127.0.0.1 that leads to one of the image's. */
export type PortForward = { readonly hostPort: number; readonly guestPort: number };

/** A folder, and the file in it that the firmware is told to fetch. */
export type NetworkBoot = {
  readonly folder: string;
  readonly file: string;
  /** The card's own program of iPXE starts, as on a PC with iPXE; otherwise the firmware's. */
  readonly byIpxe: boolean;
};

/** A machine, whatever starts it. Paths are as QEMU sees them. */
export type MachineSetup = {
  readonly machine: Machine;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** The serial line on our terminal, with QEMU's own keys (Ctrl-a x ends it), or to be read only. */
  readonly terminal: boolean;
  readonly forwards: readonly PortForward[];
  /** The host's processor runs the guest's programs (KVM), should the kernel really let QEMU. */
  readonly accelerated?: boolean;
  /** What a guest reads from GREETER's address, to prove its network without anyone outside. */
  readonly greeting?: string;
  /** Of its network card; QEMU's own by default. */
  readonly mac?: string | undefined;
  /** The firmware starts from the network: what QEMU's DHCP and TFTP server offers. */
  readonly networkBoot?: NetworkBoot | undefined;
};

/** Everything that a start of QEMU with a kernel depends on. */
export type MachineRun = MachineSetup & {
  readonly kernel: string;
  readonly commandLine: string;
  readonly deviceTree?: string;
  /** An archive that the kernel unpacks. */
  readonly initramfs?: string;
  /** File that takes the writes: a qcow2, or where that is said the bare disk. Undefined: a machine without any drive. */
  readonly card?: string;
  readonly cardFormat?: 'qcow2' | 'raw';
  /** A bare disk beside it, which is only read; the guest has it as /dev/disk/by-id/virtio-NAME. Not on a Raspberry Pi. */
  readonly medium?: { readonly name: string; readonly file: string };
  /** The card is kept: what the machine writes has to reach the disk. */
  readonly keepsCard: boolean;
};

/** An address in QEMU's user-mode network that answers every TCP connection with the greeting. */
export const GREETER = { address: '10.0.2.100', port: 8000 } as const;

/** The machine with the kernel that it is given. */
export function qemuCommand(run: MachineRun): Command {
  const start = [
    ...['-kernel', run.kernel, '-append', run.commandLine],
    ...(run.deviceTree === undefined ? [] : ['-dtb', run.deviceTree]),
    ...(run.initramfs === undefined ? [] : ['-initrd', run.initramfs]),
  ];
  if (run.card === undefined) return machineCommand(run, start, []);
  // A card that is thrown away need not reach the disk.
  const cache = run.keepsCard ? 'writeback' : 'unsafe';
  if (run.machine.fixed !== undefined) {
    return machineCommand(run, start, ['-drive', `file=${run.card},format=qcow2,if=sd,cache=${cache}`]);
  }
  const { medium, cardFormat = 'qcow2' } = run;
  const device = `virtio-blk-${virtioBus(run.machine)}`;
  return machineCommand(run, start, [
    ...['-drive', `file=${run.card},format=${cardFormat},if=none,id=card,cache=${cache}`, '-device', `${device},drive=card`],
    ...(medium === undefined
      ? []
      : [
          ...['-drive', `file=${medium.file},format=raw,if=none,id=medium,readonly=on`],
          ...['-device', `${device},drive=medium,serial=${medium.name}`],
        ]),
  ]);
}

/**
 * The bare machine: nothing that QEMU would add by itself, a reboot ends it.
 *
 * @param start what it is started with
 * @param drives and their devices
 */
export function machineCommand(run: MachineSetup, start: readonly string[], drives: readonly string[]): Command {
  const network = [
    'user,id=net',
    ...(run.networkBoot === undefined ? [] : [`tftp=${run.networkBoot.folder},bootfile=${run.networkBoot.file}`]),
    ...run.forwards.map(({ hostPort, guestPort }) => `hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`),
    ...(run.greeting === undefined
      ? []
      : [`guestfwd=tcp:${GREETER.address}:${GREETER.port}-cmd:/usr/bin/printf ${run.greeting}`]),
  ].join(',');
  return {
    file: qemuProgram(run.machine.architecture),
    args: [
      ...['-machine', run.machine.name],
      // In this order: where KVM turns out not to work, QEMU says so and emulates.
      ...(run.accelerated === true ? ['-accel', 'kvm'] : []),
      ...['-accel', 'tcg,thread=multi'],
      ...['-nodefaults', '-no-reboot', '-display', 'none', '-monitor', 'none'],
      ...start,
      ...['-netdev', network],
      ...devices(run, drives),
    ],
  };
}

function devices(run: MachineSetup, drives: readonly string[]): readonly string[] {
  const { machine } = run;
  const serial = run.terminal ? 'mon:stdio' : 'stdio';
  if (machine.fixed !== undefined) {
    return [
      ...drives,
      // An address of Raspberry Pi's own range: Linux calls a USB adapter with QEMU's usual one usb0, not eth0.
      ...['-device', `usb-net,netdev=net,mac=${run.mac ?? 'b8:27:eb:00:00:01'}`],
      ...Array.from({ length: machine.consoleLine ?? 0 }, () => ['-serial', 'null']).flat(),
      ...['-serial', serial],
    ];
  }
  const bus = virtioBus(machine);
  return [
    ...['-cpu', cpuOf(run)],
    ...['-smp', run.cpus.toString(), '-m', `${Math.floor(run.memoryBytes / MiB)}M`],
    ...drives,
    ...['-device', `virtio-net-${bus},netdev=net${networkCardOptions(run)}`],
    ...['-device', `virtio-rng-${bus}`, '-serial', serial],
  ];
}

/** Without the program that boots over it, which is a package of its own, unless that is what shall start. */
function networkCardOptions({ machine, mac, networkBoot }: MachineSetup): string {
  const program = virtioBus(machine) === 'pci' && networkBoot?.byIpxe !== true ? ',romfile=' : '';
  return `${program}${networkBoot === undefined ? '' : ',bootindex=1'}${mac === undefined ? '' : `,mac=${mac}`}`;
}

function virtioBus({ architecture }: Machine): 'pci' | 'device' {
  return architecture === 'amd64' ? 'pci' : 'device';
}

/**
 * Under KVM inside another virtual machine the host may refuse the register that arch-capabilities stands for, and QEMU
 * ends there. It only tells the guest which mitigations it could leave out.
 */
function cpuOf({ machine, accelerated }: MachineSetup): string {
  if (machine.architecture === 'amd64') return 'max,arch-capabilities=off';
  return accelerated === true ? 'max' : 'cortex-a53';
}

function qemuProgram(architecture: Architecture): string {
  return architecture === 'amd64' ? 'qemu-system-x86_64' : 'qemu-system-aarch64';
}

/** The machine's changes to a device tree file; a node that this one does not have ends with exit code 1. */
export function deviceTreeCommands(machine: Machine, file: string): readonly Command[] {
  return machine.deviceTreeEdits.map(([option = '', ...rest]) => ({ file: 'fdtput', args: [option, file, ...rest] }));
}

/** Tells what an overlay lies over, as JSON; also while a machine has it open. */
export function overlayInfoCommand(overlay: string): Command {
  return { file: 'qemu-img', args: ['info', '--output=json', '--force-share', overlay] };
}

/** A file that shows `image` and keeps what is written to it; `image` itself is only ever read. */
export function overlayCommand(image: string, overlay: string, sizeBytes: number): Command {
  return {
    file: 'qemu-img',
    args: ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'raw', overlay, sizeBytes.toString()],
  };
}

/** Puts a file into the overlay at an offset; its size must be a multiple of 512 bytes. */
export function overlayWriteCommand(overlay: string, file: string, offsetBytes: number, sizeBytes: number): Command {
  return { file: 'qemu-io', args: ['-f', 'qcow2', '-c', `write -q -s ${file} ${offsetBytes} ${sizeBytes}`, overlay] };
}

/**
 * Size of the card that an image is started from: a power of two, which QEMU's SD cards have to be (hw/sd/sd.c),
 * with room for the root file system to grow into.
 */
export function cardSize(imageSizeBytes: number): number {
  const wanted = Math.max(2 * GiB, imageSizeBytes + 512 * MiB);
  return 2 ** Math.ceil(Math.log2(wanted));
}

/** Longest kernel command line that arm64 and x86 take, the final zero not counted (COMMAND_LINE_SIZE is 2048). */
export const COMMAND_LINE_LIMIT = 2047;

/** Words that keep kernel or systemd from telling on the console how they start. */
export const SILENCING_WORD = /^(quiet|loglevel=.*|systemd\.show_status=.*)$/;

/**
 * The image's own command line for this machine: its consoles give way to the machine's, all else stays.
 * With `verbose`, what silences the kernel goes too.
 */
export function commandLineFor(
  machine: Machine,
  cmdlineTxt: string,
  extra: readonly string[],
  options: { readonly verbose?: boolean } = {},
): string {
  const kept = (cmdlineTxt.split('\n')[0] ?? '')
    .split(/\s+/)
    .filter((word) => word !== '' && !/^(console|earlycon)(=|$)/.test(word))
    .filter((word) => options.verbose !== true || !SILENCING_WORD.test(word));
  return [`console=${machine.console}`, ...kept, ...machine.kernelArguments, ...extra].join(' ');
}
