import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../../src/model/qemu.js';
import type { FirmwareRun } from '../../../src/model/qemu-firmware.js';
import { firmwareCommand } from '../../../src/model/qemu-firmware.js';

const run: FirmwareRun = {
  machine: MACHINES.q35,
  cpus: 2,
  memoryBytes: 2 ** 30,
  terminal: false,
  forwards: [],
  firmware: { name: 'bios' },
  medium: { as: 'disk', file: '/w/card.qcow2', format: 'qcow2' },
};
const line = (changes: Partial<FirmwareRun> = {}): string => firmwareCommand({ ...run, ...changes }).args.join(' ');

describe('a PC that its firmware starts', () => {
  it('is handed over nothing but the medium', () => {
    expect(line()).not.toMatch(/-kernel|-append|-initrd|-smbios|pflash/);
    expect(line()).toContain('file=/w/card.qcow2,format=qcow2,if=none,id=medium,cache=unsafe');
  });

  it('has variables of its own where it is UEFI', () => {
    const uefi = line({ firmware: { name: 'uefi', code: '/c.fd', variables: '/v.fd' } });
    expect(uefi).toContain('-drive if=pflash,format=raw,readonly=on,file=/c.fd -drive if=pflash,format=raw,file=/v.fd');
  });

  it('finds a disc in a drive or on a stick', () => {
    expect(line({ medium: { as: 'cd', file: '/d.iso', format: 'raw' } })).toMatch(/media=cdrom,readonly=on .*ide-cd/);
    expect(line({ medium: { as: 'usb', file: '/d.qcow2', format: 'qcow2' } })).toMatch(/qemu-xhci .*usb-storage/);
  });

  it('shows credentials in its SMBIOS tables', () => {
    const value = Buffer.from('[Unit]\n').toString('base64');
    expect(line({ credentials: { 'systemd.unit-dropin.x.target': '[Unit]\n' } })).toContain(
      `-smbios type=11,value=io.systemd.credential.binary:systemd.unit-dropin.x.target=${value}`,
    );
  });
});
