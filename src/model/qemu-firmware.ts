import type { Command } from './command.js';
import type { MachineSetup } from './qemu.js';
import { machineCommand } from './qemu.js';

export const FIRMWARE_NAMES = ['bios', 'uefi'] as const;
/** What starts a PC: SeaBIOS, or OVMF. */
export type FirmwareName = (typeof FIRMWARE_NAMES)[number];

/** The firmware as QEMU gets it. SeaBIOS is QEMU's own. */
export type Firmware =
  | { readonly name: 'bios' }
  /** OVMF's code, and a copy of its variables that may be written. */
  | { readonly name: 'uefi'; readonly code: string; readonly variables: string };

/** What the firmware finds to start from: a disk, or a disc in a drive or written to a USB stick. */
export type BootMedium = {
  readonly as: 'disk' | 'cd' | 'usb';
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  /** The file is kept: what the machine writes has to reach the disk. */
  readonly keeps?: boolean;
};

export type FirmwareRun = MachineSetup & {
  readonly firmware: Firmware;
  /** Undefined: it starts from its network. */
  readonly medium?: BootMedium;
  /** Texts that systemd reads from the machine's SMBIOS tables, by their names (systemd.system-credentials(7)). */
  readonly credentials?: Readonly<Record<string, string>>;
};

/** A PC that its firmware starts, with nothing handed over but the medium. */
export function firmwareCommand(run: FirmwareRun): Command {
  const { firmware, credentials = {} } = run;
  const flash = 'if=pflash,format=raw';
  const start = [
    ...(firmware.name === 'bios'
      ? []
      : [
          ...['-drive', `${flash},readonly=on,file=${firmware.code}`],
          ...['-drive', `${flash},file=${firmware.variables}`],
        ]),
    ...Object.entries(credentials).flatMap(([name, text]) => {
      const value = Buffer.from(text, 'utf8').toString('base64');
      return ['-smbios', `type=11,value=io.systemd.credential.binary:${name}=${value}`];
    }),
    // A screen, as every PC has one: boot loaders and kernels look for it.
    ...['-device', 'VGA'],
  ];
  return machineCommand(run, start, run.medium === undefined ? [] : mediumArguments(run.medium));
}

function mediumArguments({ as, file, format, keeps = false }: BootMedium): readonly string[] {
  const cache = keeps ? 'writeback' : 'unsafe';
  const drive = `file=${file},format=${format},if=none,id=medium`;
  switch (as) {
    case 'disk':
      return ['-drive', `${drive},cache=${cache}`, '-device', 'virtio-blk-pci,drive=medium,bootindex=1'];
    case 'cd':
      return ['-drive', `${drive},media=cdrom,readonly=on`, '-device', 'ide-cd,drive=medium,bootindex=1'];
    case 'usb':
      return [
        ...['-drive', `${drive},cache=${cache}`],
        ...['-device', 'qemu-xhci', '-device', 'usb-storage,drive=medium,removable=on,bootindex=1'],
      ];
  }
}
