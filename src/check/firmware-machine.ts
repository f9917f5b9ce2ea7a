import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FirmwareFat, FirmwareStart, StartEnd } from '../boot/pi-firmware.js';
import { chooseStart, endOf, flagAfter } from '../boot/pi-firmware.js';
import { UserError } from '../errors.js';
import { AUTOBOOT } from '../formats/autoboot.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { openFileSystem } from '../formats/file-systems.js';
import { startFilesOf } from '../formats/firmware-conditions.js';
import { isFat } from '../formats/partition-types.js';
import type { Host } from '../host/host.js';
import type { RawImage } from '../images/disk-image.js';
import { isRaw, openDiskImage } from '../images/disk-image.js';
import { withRawImage } from '../images/raw-image.js';
import { unpackTo } from '../images/unpack-image.js';
import { writeFully } from '../images/sparse-write.js';
import { plainText } from '../model/boot-console.js';
import type { Command } from '../model/command.js';
import type { MachineClock } from '../model/machine-clock.js';
import { MACHINES, cardSize, commandLineFor, qemuCommand } from '../model/qemu.js';
import type { Sandbox } from '../model/sandbox.js';
import { Store } from '../pipeline/store.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { BootOptions } from './boot-image.js';
import { canAccelerate, forwardsOf, sizeOf, withKvm } from './boot-image.js';
import { obtainBootTools } from './boot-tools.js';
import { Patience } from './patience.js';

/** A start as it is asked for. */
export type StartRequest = {
  /** Words behind the slot's own command line. */
  readonly extra?: readonly string[];
  /** Of the emulator's processor time, until the machine is given up. */
  readonly timeoutSeconds: number;
  /** Each line of the console; `cut` takes the power away. */
  readonly onLine?: (line: string, cut: () => void) => void;
};

/** A start and how it ended. */
export type Ended = {
  readonly start: FirmwareStart;
  readonly end: StartEnd;
  readonly clock: MachineClock;
  /** It was given up: why. */
  readonly stopped?: { readonly code: string; readonly detail: string };
};

/** A card in a machine whose firmware we play. */
export type FirmwareMachine = {
  readonly name: string;
  /** The one-shot flag, as it is for the next start. */
  tryboot: boolean;
  /** Where the next start leads. Throws UserError `firmware-finds-nothing`. */
  next(): Promise<FirmwareStart>;
  start(request: StartRequest): Promise<Ended>;
  /** Writes to the card while the machine is off. */
  write(bytes: Uint8Array, offsetBytes: number): Promise<void>;
  /** Reads the card while the machine is off. */
  read<T>(use: (image: RawImage) => Promise<T>): Promise<T>;
};

/** What the guest reads of it, beside the card: a bundle. */
export type Medium = { readonly name: string; readonly path: string };

/** Path inside the sandbox. */
const FOLDER = '/run/boot/work';
const CARD = 'card.img';
const MEDIUM = '/run/boot/medium';
/** The board that is played: its filters of config.txt. */
const MODELS = ['pi4', 'pi400', 'cm4'];
/** What the boot loader of such a board says of itself: TRYBOOT_A_B and TRYBOOT, and when it was built. */
const FACTS = { capabilities: 0x7f, 'build-timestamp': 1_716_000_000, 'boot-mode': 1, rsts: 0x1000 };
/** From here on systemd feeds the watchdog. */
const WATCHDOG_TAKEN = /systemd\[1\]: systemd \S+ running in system mode|Welcome to /;

/**
 * Lends a copy of the image on a card whose machine is started as a Raspberry Pi starts: by autoboot.txt and config.txt
 * of its FATs and by the flag that the reboot before set. The image is only read. Throws what `withRawImage` and
 * `obtainBootTools` throw, UserError `firmware-model-unfit` for another machine than virt.
 */
export async function withFirmwareMachine<T>(
  options: BootOptions & { readonly medium?: Medium },
  host: Host,
  report: Reporter,
  use: (machine: FirmwareMachine) => Promise<T>,
): Promise<T> {
  if ((options.machine ?? 'virt') !== 'virt' || options.snapshot !== undefined) {
    throw new UserError('firmware-model-unfit', 'The firmware is played on the machine virt, with a card of its own', {
      hints: ['Leave --machine, --snapshot and --device-tree out.'],
    });
  }
  const tools = await obtainBootTools(options, host, report);
  const load = async (image: RawImage): Promise<T> => {
    const store = new Store(host.facts.cacheDir, host);
    await store.prepare();
    await store.removeAbandoned();
    return store.withScratch(async (folder) => {
      const card = join(folder, CARD);
      await unpackTo(card, image.stream());
      await truncate(card, cardSize(image.sizeBytes));
      const accelerated = await canAccelerate(MACHINES.virt, host);
      const mounts = [
        { source: folder, target: FOLDER, writable: true },
        ...(options.medium === undefined ? [] : [{ source: options.medium.path, target: MEDIUM }]),
      ];
      const sandbox = { root: tools, cwd: FOLDER, mounts };
      return use(new Machine(image.name, folder, accelerated ? withKvm(sandbox) : sandbox, accelerated, options, host));
    });
  };
  return withRawImage(options.image, host, load, { tools });
}

class Machine implements FirmwareMachine {
  tryboot = false;
  private readonly card: string;

  constructor(
    readonly name: string,
    private readonly folder: string,
    private readonly sandbox: Sandbox,
    private readonly accelerated: boolean,
    private readonly options: BootOptions & { readonly medium?: Medium },
    private readonly host: Host,
  ) {
    this.card = join(folder, CARD);
  }

  async next(): Promise<FirmwareStart> {
    return this.read(async (image) => (await this.choose(image)).start);
  }

  async start(request: StartRequest): Promise<Ended> {
    const { start, qemu, watchdogSeconds } = await this.read(async (image) => this.prepare(image, request.extra ?? []));
    const ended = await this.run(qemu, watchdogSeconds, request);
    this.tryboot = flagAfter(ended.end);
    return { start, ...ended };
  }

  async write(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    const file = await open(this.card, 'r+');
    try {
      await writeFully(file, bytes, offsetBytes);
    } finally {
      await file.close();
    }
  }

  async read<T>(use: (image: RawImage) => Promise<T>): Promise<T> {
    const image = await openDiskImage(this.card, this.host);
    try {
      if (!isRaw(image)) throw new TypeError('the card is a bare disk');
      return await use(image);
    } finally {
      await image.close();
    }
  }

  private async choose(image: RawImage): Promise<{ start: FirmwareStart; reader: FileSystemReader }> {
    const { partitions } = await image.partitions();
    const readers = new Map<number, FileSystemReader>();
    for (const partition of partitions.filter((one) => isFat(one) && one.number <= 4)) {
      const read = (offset: number, size: number) => image.read(partition.offsetBytes + offset, size);
      const { reader } = await openFileSystem(read, partition.sizeBytes, `partition ${partition.number} of the card`);
      if (reader !== undefined) readers.set(partition.number, reader);
    }
    const fats: FirmwareFat[] = [];
    for (const [number, reader] of readers) fats.push({ number, isBootable: await isBootable(reader) });
    const first = fats[0] === undefined ? undefined : readers.get(fats[0].number);
    const start = chooseStart(fats, first === undefined ? '' : await textOf(first, AUTOBOOT), this.tryboot);
    const reader = start && readers.get(start.partition);
    if (start === undefined || reader === undefined) {
      throw new UserError('firmware-finds-nothing', `No FAT partition of ${this.name} has firmware or a config.txt`, {
        hints: ['The firmware of a Raspberry Pi would stop there.'],
      });
    }
    return { start, reader };
  }

  /** What the firmware loads, where QEMU finds it. */
  private async prepare(image: RawImage, extra: readonly string[]) {
    const { start, reader } = await this.choose(image);
    const conditions = { tryboot: start.tryboot, partition: start.partition, models: MODELS };
    const files = startFilesOf(await textOf(reader, start.config), conditions);
    const boot = join(this.folder, 'boot');
    await mkdir(boot, { recursive: true });
    const kernel = await bytesOf(reader, files.kernel);
    if (kernel === undefined) {
      throw new UserError('no-kernel', `Partition ${start.partition} of ${this.name} holds no ${files.kernel}`);
    }
    await writeFile(join(boot, 'kernel'), kernel);
    const archives = await Promise.all(files.initramfs.map((name) => bytesOf(reader, name)));
    const initramfs = archives.length === 0 ? undefined : join(FOLDER, 'boot/initramfs');
    if (initramfs !== undefined) {
      await writeFile(join(boot, 'initramfs'), Buffer.concat(archives.map((one) => one ?? Buffer.alloc(0))));
    }
    const commandLine = commandLineFor(MACHINES.virt, await textOf(reader, files.commandLine), extra, { verbose: true });
    const deviceTree = join(FOLDER, 'boot/virt.dtb');
    const run = {
      machine: MACHINES.virt,
      terminal: false,
      forwards: forwardsOf(this.options),
      accelerated: this.accelerated,
      ...sizeOf(this.options, this.host),
      kernel: join(FOLDER, 'boot/kernel'),
      commandLine,
      card: join(FOLDER, CARD),
      cardFormat: 'raw' as const,
      keepsCard: true,
      ...(initramfs === undefined ? {} : { initramfs }),
      ...(this.options.medium === undefined ? {} : { medium: { name: this.options.medium.name, file: MEDIUM } }),
    };
    await this.makeDeviceTree(qemuCommand(run), deviceTree, start);
    return { start, qemu: qemuCommand({ ...run, deviceTree }), watchdogSeconds: files.kernelWatchdogSeconds };
  }

  /** QEMU's own device tree, with what a boot loader tells the system of this start. */
  private async makeDeviceTree(qemu: Command, file: string, start: FirmwareStart): Promise<void> {
    const machine = ['-machine', `virt,dumpdtb=${file}`];
    await this.host.runIn(this.sandbox, { file: qemu.file, args: [...machine, ...qemu.args.slice(2)] });
    const node = '/chosen/bootloader';
    await this.host.runIn(this.sandbox, { file: 'fdtput', args: ['-c', file, node] });
    const facts = { ...FACTS, partition: start.partition, tryboot: start.tryboot ? 1 : 0 };
    for (const [name, value] of Object.entries(facts)) {
      const args = ['-t', 'u', file, node, name, value.toString()];
      await this.host.runIn(this.sandbox, { file: 'fdtput', args });
    }
  }

  private async run(
    qemu: Command,
    watchdogSeconds: number,
    { onLine, timeoutSeconds }: StartRequest,
  ): Promise<Omit<Ended, 'start'>> {
    const started = performance.now();
    let end: StartEnd | undefined;
    let isFed = watchdogSeconds === 0;
    let heardAt = 0;
    const running = this.host.startIn({ ...this.sandbox, network: forwardsOf(this.options).length > 0 }, qemu, {
      onLine: (raw) => {
        const line = plainText(raw);
        end = endOf(line) ?? end;
        isFed ||= WATCHDOG_TAKEN.test(line);
        heardAt = patience.clock.hadSeconds;
        onLine?.(line, () => {
          end = { kind: 'power-cut' };
          void running.stop();
        });
      },
    });
    const patience = new Patience(running, () => (performance.now() - started) / 1000);
    patience.allow(timeoutSeconds, 'the start did not end');
    // The firmware armed the watchdog, and nobody has taken it over.
    const watchdog = setInterval(() => {
      if (isFed || patience.clock.hadSeconds - heardAt < watchdogSeconds) return;
      end = { kind: 'watchdog' };
      void running.stop();
    }, 1000);
    try {
      await running.exited;
      this.host.signal.throwIfAborted();
      const { clock, stopped } = patience;
      return { end: end ?? { kind: 'reset' }, clock, ...(stopped === undefined ? {} : { stopped }) };
    } finally {
      clearInterval(watchdog);
      patience.end();
      await running.stop();
    }
  }
}

async function isBootable(reader: FileSystemReader): Promise<boolean> {
  const names = ((await reader.list('/')) ?? []).map(({ path }) => path.slice(1).toLowerCase());
  return names.some((name) => name === 'config.txt' || /^start.*\.elf$/.test(name));
}

async function bytesOf(reader: FileSystemReader, name: string): Promise<Buffer | undefined> {
  const wanted = `/${name}`.toLowerCase();
  const entry = (await reader.entries()).find(({ path }) => path.toLowerCase() === wanted);
  if (entry?.kind !== 'file') return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of reader.content(entry)) parts.push(part);
  return Buffer.concat(parts);
}

async function textOf(reader: FileSystemReader, name: string): Promise<string> {
  return (await bytesOf(reader, name))?.toString('latin1') ?? '';
}
