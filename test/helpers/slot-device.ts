import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { formatAutoboot } from '../../src/formats/autoboot.js';

const run = promisify(execFile);

export type DeviceStart = {
  readonly slot: 'A' | 'B';
  readonly tryboot: boolean;
  /** Of the boot loader; undefined: it says nothing of itself. */
  readonly capabilities?: number | undefined;
  readonly data?: boolean;
};

/**
 * The programs of layers/ab with the files that a device has for them: command line, device tree, /boot and /data. They
 * run as they are, in a sandbox over this machine's own shell and tools.
 */
export class SlotDevice {
  private constructor(readonly folder: string) {}

  static async make(): Promise<SlotDevice> {
    const device = new SlotDevice(await mkdtemp(join(tmpdir(), 'slot-device-')));
    for (const name of ['boot', 'data', 'run', 'etc', 'facts', 'device/updates', 'device/health.d']) await mkdir(device.path(name), { recursive: true });
    await mkdir(device.path('etc/reswarm/health.d'), { recursive: true });
    await mkdir(device.path('etc/rauc'));
    await writeFile(device.path('etc/rauc/system.conf'), '[system]\ncompatible=reswarm-os-rpi4\n');
    await writeFile(device.path('etc/reswarm/updates.conf'), 'DEADLINE=1\nSTARTS=3\nTRIES=3\n');
    await writeFile(device.path('device/partitions'), '01 selector\n02 boot-a\n03 boot-b\n05 root-a\n06 root-b\n07 data\n');
    await writeFile(device.path('device/container-engine'), 'none\n');
    await writeFile(device.path('boot/autoboot.txt'), formatAutoboot({ boot: 2, tryboot: 3 }));
    await writeFile(device.path('kmsg'), '');
    await device.copyPrograms();
    return device;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async text(name: string): Promise<string | undefined> {
    return readFile(this.path(name), 'utf8').catch(() => undefined);
  }

  state(name: string): Promise<string | undefined> {
    return this.text(`data/reswarm/updates/${name}`);
  }

  async put(name: string, text: string): Promise<void> {
    await writeFile(this.path(name), text);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** A power cycle: what is in memory is gone. */
  async powerOff(): Promise<void> {
    await rm(this.path('run'), { recursive: true });
    await mkdir(this.path('run'));
  }

  /** Runs one of the programs. @returns exit code and standard output */
  async run(start: DeviceStart, program: string, ...args: string[]): Promise<{ code: number; stdout: string }> {
    const root = start.slot === 'A' ? '05' : '06';
    await writeFile(this.path('cmdline'), `console=ttyAMA0 root=PARTUUID=1a2b3c4d-${root} rauc.slot=${start.slot} panic=10\n`);
    await writeFile(this.path('device/compatible'), 'raspberrypi,4-model-b\0brcm,bcm2711\0');
    await this.writeFacts(start);
    const sandbox = [
      ...['--tmpfs', '/', '--ro-bind', '/usr', '/usr', '--dev', '/dev', '--proc', '/proc'],
      ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
      ...['etc', 'boot', 'run', 'facts', 'device'].flatMap((name) => ['--bind', this.path(name), `/${name}`]),
      ...['--bind', this.path('kmsg'), '/dev/kmsg', '--ro-bind', this.path('cmdline'), '/proc/cmdline'],
      ...(start.data === false ? [] : ['--bind', this.path('data'), '/data']),
    ];
    try {
      const { stdout } = await run('bwrap', [...sandbox, `/device/updates/${program}`, ...args]);
      return { code: 0, stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout: stdout + stderr };
    }
  }

  /** With the places of what cannot be mounted where the device has it: /usr is this machine's, /proc the kernel's. */
  private async copyPrograms(): Promise<void> {
    for (const folder of ['updates', 'health.d']) {
      const from = resolve('layers/ab/files/usr/lib/reswarm', folder);
      for (const name of await readdir(from)) {
        const text = (await readFile(join(from, name), 'utf8'))
          .replaceAll('/proc/device-tree/chosen/bootloader', '/facts')
          .replaceAll('/proc/device-tree/compatible', '/device/compatible')
          .replaceAll('/usr/lib/reswarm/', '/device/')
          // A file keeps what was written before only so.
          .replaceAll('>/dev/kmsg', '>>/dev/kmsg');
        await writeFile(this.path(`device/${folder}/${name}`), text, { mode: 0o755 });
      }
    }
  }

  private async writeFacts({ slot, tryboot, capabilities }: DeviceStart): Promise<void> {
    const word = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    await rm(this.path('facts'), { recursive: true });
    await mkdir(this.path('facts'));
    if (capabilities === undefined) return;
    const facts = { partition: slot === 'A' ? 2 : 3, tryboot: tryboot ? 1 : 0, capabilities };
    for (const [name, value] of Object.entries(facts)) await writeFile(this.path(`facts/${name}`), word(value));
  }
}
