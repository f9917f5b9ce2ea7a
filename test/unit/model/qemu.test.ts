import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../../src/model/bytes.js';
import { formatCommand } from '../../../src/model/command.js';
import type { MachineRun } from '../../../src/model/qemu.js';
import {
  MACHINES,
  MACHINE_NAMES,
  deviceTreeCommands,
  cardSize,
  commandLineFor,
  overlayCommand,
  overlayWriteCommand,
  qemuCommand,
  withDeviceTree,
} from '../../../src/model/qemu.js';

const run: MachineRun = {
  machine: MACHINES.virt,
  kernel: '/b/kernel8.img',
  commandLine: 'console=ttyAMA0 root=PARTUUID=1234abcd-02',
  card: '/b/card.qcow2',
  cpus: 2,
  memoryBytes: GiB,
  terminal: false,
  forwards: [],
  keepsCard: false,
};

describe('qemuCommand', () => {
  it('makes virt with a virtio card and network, and the console on its first serial line', () => {
    const { args } = qemuCommand(run);
    const line = args.join(' ');
    expect(args).toContain('virt');
    expect(line).toContain('-cpu cortex-a53 -smp 2 -m 1024M');
    expect(line).toContain('-device virtio-blk-device,drive=card');
    expect(line).toContain('-serial stdio');
    expect(args.filter((word) => word === '-serial')).toHaveLength(1);
  });

  it('makes raspi3b with the device tree, the card in its SD slot and the console on its second serial line', () => {
    const { args } = qemuCommand({ ...run, machine: MACHINES.raspi3b, deviceTree: '/b/bcm2837-rpi-3-b.dtb' });
    const line = args.join(' ');
    expect(line).toContain('-machine raspi3b');
    expect(line).toContain('-dtb /b/bcm2837-rpi-3-b.dtb');
    expect(line).toContain('file=/b/card.qcow2,format=qcow2,if=sd');
    expect(line).toContain('-serial null -serial stdio');
    // QEMU refuses to give a Raspberry Pi another memory size or processor count.
    expect(args).not.toContain('-m');
    expect(args).not.toContain('-smp');
  });

  it("takes the Compute Module's console from the PL011, the first serial line", () => {
    const machine = withDeviceTree(MACHINES.raspi3b, 'bcm2837-rpi-cm3-io3.dtb');
    expect(commandLineFor(machine, 'console=ttyS1 quiet', [])).toContain('console=ttyAMA0,115200');
    const line = qemuCommand({ ...run, machine }).args.join(' ');
    expect(line).toContain('-serial stdio');
    expect(line).not.toContain('-serial null');
    expect(withDeviceTree(MACHINES.raspi3b, 'bcm2837-rpi-3-b.dtb')).toBe(MACHINES.raspi3b);
  });

  it('makes raspi4b with the console on its first serial line', () => {
    const line = qemuCommand({ ...run, machine: MACHINES.raspi4b, deviceTree: '/b/bcm2711-rpi-4-b.dtb' }).args.join(
      ' ',
    );
    expect(line).toContain('-machine raspi4b');
    expect(line).toContain('if=sd');
    expect(line).not.toContain('-serial null');
  });

  it('makes q35 with the same devices on its PCI bus, and a console that Linux finds on a PC', () => {
    const { file, args } = qemuCommand({ ...run, machine: MACHINES.q35 });
    const line = args.join(' ');
    expect(file).toBe('qemu-system-x86_64');
    expect(line).toContain('-machine q35');
    expect(line).toContain('-device virtio-blk-pci,drive=card -device virtio-net-pci,netdev=net,romfile=');
    expect(commandLineFor(MACHINES.q35, 'console=tty1', [])).toBe('console=ttyS0,115200');
  });

  it.each(['virt', 'q35'] as const)('lets the processor of the host run %s, and emulates where it will not', (name) => {
    const [emulated, accelerated] = [false, true].map((is) =>
      qemuCommand({ ...run, machine: MACHINES[name], accelerated: is }).args.join(' '),
    );
    expect(emulated).not.toContain('kvm');
    expect(accelerated).toContain('-accel kvm -accel tcg,thread=multi');
    expect(accelerated).toContain('-cpu max');
  });

  it('lets a card that is kept reach the disk, and no other', () => {
    expect(formatCommand(qemuCommand(run))).toContain('cache=unsafe');
    expect(formatCommand(qemuCommand({ ...run, keepsCard: true }))).toContain('cache=writeback');
  });

  it.each(MACHINE_NAMES)('adds no device of its own to %s and ends with a reboot', (name) => {
    const { args } = qemuCommand({ ...run, machine: MACHINES[name] });
    expect(args).toEqual(expect.arrayContaining(['-nodefaults', '-no-reboot']));
  });

  it('lends the terminal with its own keys', () => {
    expect(qemuCommand({ ...run, terminal: true }).args.slice(-2)).toEqual(['-serial', 'mon:stdio']);
  });

  it('opens the ssh port on the loopback only, and answers the greeter', () => {
    const line = formatCommand(
      qemuCommand({
        ...run,
        forwards: [
          { hostPort: 2222, guestPort: 22 },
          { hostPort: 8080, guestPort: 80 },
        ],
        greeting: 'hello',
      }),
    );
    expect(line).toContain('hostfwd=tcp:127.0.0.1:2222-:22');
    expect(line).toContain('hostfwd=tcp:127.0.0.1:8080-:80');
    expect(line).toContain('guestfwd=tcp:10.0.2.100:8000-cmd:/usr/bin/printf hello');
  });

  it('keeps the command line one argument', () => {
    const { args } = qemuCommand(run);
    expect(args[args.indexOf('-append') + 1]).toBe(run.commandLine);
  });
});

describe('the device tree', () => {
  it('is left alone but for raspi4b', () => {
    expect(MACHINE_NAMES.filter((name) => deviceTreeCommands(MACHINES[name], 'x').length > 0)).toEqual(['raspi4b']);
    expect(deviceTreeCommands(MACHINES.raspi4b, 'x.dtb').map(formatCommand)).toEqual([
      'fdtput -r x.dtb /soc/serial@7e201000/bluetooth',
      'fdtput -d x.dtb /soc/mmc@7e300000 mmc-pwrseq',
    ]);
  });
});

describe('overlay', () => {
  it('lies over the image and is of its own size', () => {
    expect(overlayCommand('/i', '/o', 2 * GiB).args).toEqual([
      ...['create', '-q', '-f', 'qcow2', '-b', '/i', '-F', 'raw', '/o', '2147483648'],
    ]);
  });

  it('is written to at an offset', () => {
    expect(overlayWriteCommand('/o', '/f', 32768, 1024).args).toContain('write -q -s /f 32768 1024');
  });

  it('has the size of an SD card: a power of two with room to grow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 * GiB }), (bytes) => {
        const size = cardSize(bytes);
        expect(Math.log2(size) % 1).toBe(0);
        expect(size).toBeGreaterThanOrEqual(bytes + 512 * MiB);
        expect(size).toBeGreaterThanOrEqual(2 * GiB);
      }),
    );
  });
});

describe('commandLineFor', () => {
  const shipped = 'console=tty1 console=ttyS1,115200 root=PARTUUID=1234abcd-02 rootwait quiet loglevel=3\n';

  it.each([
    ['virt', 'console=ttyAMA0 root=PARTUUID=1234abcd-02 rootwait quiet loglevel=3'],
    ['raspi3b', 'console=ttyS1,115200 root=PARTUUID=1234abcd-02 rootwait quiet loglevel=3 systemd.watchdog_sec=0'],
  ] as const)('puts the console of %s in the place of the image’s own', (name, expected) => {
    expect(commandLineFor(MACHINES[name], shipped, [])).toBe(expected);
  });

  it('lets the kernel speak when asked to, and adds words at the end', () => {
    expect(commandLineFor(MACHINES.virt, shipped, ['panic=-1'], { verbose: true })).toBe(
      'console=ttyAMA0 root=PARTUUID=1234abcd-02 rootwait panic=-1',
    );
  });

  it('leaves words alone that only begin like a console', () => {
    expect(commandLineFor(MACHINES.virt, 'consoleblank=0 quietly=1', [], { verbose: true })).toBe(
      'console=ttyAMA0 consoleblank=0 quietly=1',
    );
  });
});
