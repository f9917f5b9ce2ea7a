import { describe, expect, it } from 'vitest';
import { networkWay } from '../../../src/check/network-start.js';
import { MACHINES } from '../../../src/model/qemu.js';

describe('how a machine starts from its network', () => {
  it.each([
    [MACHINES.q35, {}, { source: 'http', loader: 'ipxe' }],
    [MACHINES.q35, { firmware: 'uefi' }, { source: 'http', loader: 'grub' }],
    [MACHINES.q35, { from: 'tftp', loader: 'grub' }, { source: 'tftp', loader: 'grub' }],
    [MACHINES.q35, { from: 'initrd' }, undefined],
    [MACHINES.virt, {}, undefined],
    [MACHINES.raspi3b, { from: 'initrd' }, undefined],
  ] as const)('%# is what was asked for, or the usual way', (machine, options, way) => {
    expect(networkWay(machine, options)).toEqual(way);
  });

  it.each([
    [MACHINES.virt, { from: 'http' }],
    [MACHINES.virt, { firmware: 'uefi' }],
    [MACHINES.q35, { from: 'initrd', loader: 'grub' }],
    [MACHINES.q35, { from: 'initrd', firmware: 'bios' }],
    [MACHINES.q35, { loader: 'ipxe', firmware: 'uefi' }],
  ] as const)('%# is refused where the machine has no such way', (machine, options) => {
    expect(() => networkWay(machine, options)).toThrow(expect.objectContaining({ code: 'network-source-unfit' }));
  });
});
