import type { DeviceAccess } from './host.js';
import type { FileHandle } from 'node:fs/promises';
import { access, constants, open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { BlockDevice } from './drives/block-device.js';
import type { ProbedContent, SysfsDevice } from './drives/block-facts.js';
import { blockDevicesFromLsblk } from './drives/block-device.js';
import { deviceNumber } from './drives/device-number.js';
import { parseLsblk } from './drives/lsblk.js';
import { CommandError, ReswarmError } from '../errors.js';
import type { Host } from './host.js';

const SYSFS = '/sys/dev/block';
const UDEV_DATA = '/run/udev/data';
/** /sys counts in sectors of this size, whatever the drive's own are. */
const SYSFS_SECTOR_BYTES = 512;
/** A dying card can keep a program waiting for minutes. */
const PATIENCE_MS = 15_000;
const PROBES_AT_ONCE = 8;

/** Every block device of this machine with what is known of it now. Throws ReswarmError `devices-unknown`. */
export async function readBlockDevices(host: Host): Promise<readonly BlockDevice[]> {
  const [lsblk, sysfs, mountinfo, swaps] = await Promise.all([
    runLsblk(host),
    readSysfs(),
    Promise.all(['self', '1'].map((process) => readText(`/proc/${process}/mountinfo`))),
    readText('/proc/swaps'),
  ]);
  const probed = await probeContents(lsblk, sysfs, host);
  const facts = { mountinfo: mountinfo.join('\n'), swaps: swaps ?? '', sysfs, probed };
  const devices = blockDevicesFromLsblk(lsblk, facts);
  if (devices === undefined) throw unknownDevices('lsblk printed something that is no list of devices');
  return devices;
}

async function runLsblk(host: Host): Promise<unknown> {
  const { stdout } = await host.run(
    { file: 'lsblk', args: ['--json', '--bytes', '--output-all'] },
    { timeoutMs: PATIENCE_MS },
  );
  try {
    return JSON.parse(stdout) as unknown;
  } catch (error) {
    throw unknownDevices('lsblk did not print JSON', error);
  }
}

function unknownDevices(message: string, cause?: unknown): ReswarmError {
  const hints = ['It is a part of util-linux; 2.27 and later will do: lsblk --version'];
  return new ReswarmError('devices-unknown', message, { hints, cause });
}

async function readSysfs(): Promise<readonly SysfsDevice[]> {
  const numbers = await readdir(SYSFS).catch(() => []);
  const devices = await Promise.all(numbers.map(readSysfsDevice));
  return devices.filter((device) => device !== undefined);
}

/** Undefined for one that went away in the meantime. */
async function readSysfsDevice(majorMinor: string): Promise<SysfsDevice | undefined> {
  const folder = await realpath(join(SYSFS, majorMinor)).catch(() => undefined);
  if (folder === undefined) return undefined;
  const bus = busOfFolder(folder);
  const [sectors, ro, removable, loopFile, zramDevice, partition, sequence, slaves, holders] = await Promise.all([
    readText(join(folder, 'size')),
    readText(join(folder, 'ro')),
    readText(join(folder, 'removable')),
    readText(join(folder, 'loop/backing_file')),
    readText(join(folder, 'backing_dev')),
    readText(join(folder, 'partition')),
    readText(join(folder, 'diskseq')),
    readdir(join(folder, 'slaves')).catch(() => []),
    readdir(join(folder, 'holders')).catch(() => []),
  ]);
  const [vendor, model, mmcName, serial, usbSerial, cid, mmcType] = await Promise.all([
    readText(join(folder, 'device/vendor')),
    readText(join(folder, 'device/model')),
    bus === 'mmc' ? readText(join(folder, 'device/name')) : undefined,
    readText(join(folder, 'device/serial')),
    bus === 'usb' ? readText(join(usbFolder(folder), 'serial')) : undefined,
    bus === 'mmc' ? readText(join(folder, 'device/cid')) : undefined,
    bus === 'mmc' ? readText(join(folder, 'device/type')) : undefined,
  ]);
  const backingFile = loopFile ?? (zramDevice === 'none' ? undefined : zramDevice);
  const known = {
    partitionOf: partition === undefined ? undefined : basename(dirname(folder)),
    backingFile,
    backingDevice: backingFile === undefined ? undefined : await numberOf(backingFile),
    sizeBytes: sectors === undefined ? undefined : Number(sectors) * SYSFS_SECTOR_BYTES,
    readOnly: ro === undefined ? undefined : ro !== '0',
    removable: removable === undefined ? undefined : removable !== '0',
    bus,
    vendor,
    model: model ?? mmcName,
    serial: serial ?? usbSerial,
    cid,
    mmcType,
    sequence: sequence === undefined ? undefined : Number(sequence),
  };
  const facts = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return { name: basename(folder), majorMinor, slaves, holders, ...(facts as Partial<typeof known>) };
}

/** The number of a block device at a path; undefined for anything else. */
async function numberOf(path: string): Promise<string | undefined> {
  const status = await stat(path).catch(() => undefined);
  return status?.isBlockDevice() === true ? deviceNumber(status.rdev) : undefined;
}

/** The way through the machine's buses to a drive is the folder that it has in /sys. */
function busOfFolder(folder: string): string | undefined {
  const buses = [
    ['usb', /\/usb\d+\//],
    ['mmc', /\/mmc_host\//],
    ['nvme', /\/nvme\d+\//],
    ['virtio', /\/virtio\d+\//],
    ['sata', /\/ata\d+\//],
  ] as const;
  return buses.find(([, pattern]) => pattern.test(folder))?.[0];
}

/** The USB device that a drive belongs to: the last folder of the form "1-1.4" above it. */
function usbFolder(folder: string): string {
  return /^.*\/\d+-[\d.]+(?=\/)/.exec(folder)?.[0] ?? folder;
}

/** Where udev does not run, lsblk knows no file systems; then blkid looks at the devices themselves. */
async function probeContents(lsblk: unknown, sysfs: readonly SysfsDevice[], host: Host): Promise<ProbedContent[]> {
  const rows = new Map((parseLsblk(lsblk) ?? []).map((row) => [row.name, row]));
  const contents: ProbedContent[] = [];
  const next = sysfs.values();
  const probeNext = async (): Promise<void> => {
    for (const { name, majorMinor, sizeBytes } of next) {
      const row = rows.get(name);
      const isKnown = row === undefined || row.fileSystem !== undefined || row.partitionTable !== undefined;
      if (isKnown || (sizeBytes ?? 0) === 0 || row.type === 'rom') continue;
      if ((await readText(join(UDEV_DATA, `b${majorMinor}`))) !== undefined) continue;
      const content = await probe(row.path ?? `/dev/${name}`, host);
      contents.push({ majorMinor, ...content });
    }
  };
  // One that hangs shall not keep the others waiting.
  await Promise.all(Array.from({ length: PROBES_AT_ONCE }, probeNext));
  return contents;
}

async function probe(path: string, host: Host): Promise<Omit<ProbedContent, 'majorMinor'>> {
  try {
    // 2: nothing found, or not permitted to look.
    const { stdout } = await host.run(
      { file: 'blkid', args: ['--probe', '--output', 'export', path] },
      { okExitCodes: [0, 2], timeoutMs: PATIENCE_MS },
    );
    const values = new Map(stdout.split('\n').map((line) => line.split('=', 2) as [string, string]));
    const [partitionTable, fileSystem, label] = ['PTTYPE', 'TYPE', 'LABEL'].map((key) => values.get(key));
    return {
      ...(partitionTable === undefined ? {} : { partitionTable }),
      ...(fileSystem === undefined ? {} : { fileSystem }),
      ...(label === undefined ? {} : { label }),
    };
  } catch (error) {
    // 8: several signatures that contradict each other. Whatever else went wrong is met again when it is opened.
    if (error instanceof CommandError) return {};
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/**
 * Opens a device that nothing else may use meanwhile: O_EXCL on a block device fails while it or a partition of it is
 * mounted, a swap, or under a volume or an array, in any namespace. Throws ReswarmError `device-busy`,
 * `device-not-permitted`, `device-read-only` or `device-gone`; there is no other way in.
 */
export async function openBlockDevice(path: string, { access: mode, direct }: DeviceAccess): Promise<FileHandle> {
  const { O_RDONLY, O_RDWR, O_EXCL, O_DIRECT } = constants;
  const exclusive = mode === 'hold' ? 0 : O_EXCL;
  const flags = (mode === 'write' ? O_RDWR : O_RDONLY) | exclusive | (direct === true ? O_DIRECT : 0);
  try {
    if (mode === 'look') await access(path, constants.R_OK | constants.W_OK);
    return await open(path, flags);
  } catch (error) {
    const known = OPEN_ERRORS[(error as NodeJS.ErrnoException).code ?? ''];
    throw known === undefined ? error : known(path, error);
  }
}

/** What is behind an errno of open(2), and what to do about it. */
const OPEN_ERRORS: Readonly<Record<string, (path: string, cause: unknown) => ReswarmError>> = {
  EBUSY: (path, cause) =>
    new ReswarmError('device-busy', `${path} is in use: the kernel does not give it away`, {
      hints: [
        'It is mounted, a swap, or a part of a volume or an array, perhaps in a container or for another user.',
        `What uses it: lsblk ${path}; sudo fuser --verbose --mount ${path}`,
      ],
      cause,
    }),
  EACCES: notPermitted,
  EPERM: notPermitted,
  EROFS: (path, cause) =>
    new ReswarmError('device-read-only', `${path} is read-only`, {
      hints: ['SD cards and adapters have a lock switch at their side.'],
      cause,
    }),
  ENOENT: gone,
  ENXIO: gone,
  ENODEV: gone,
  ENOMEDIUM: gone,
};

function notPermitted(path: string, cause: unknown): ReswarmError {
  return new ReswarmError('device-not-permitted', `${path} may not be written by this user`, {
    hints: ['Run the same command with sudo.'],
    cause,
  });
}

function gone(path: string, cause?: unknown): ReswarmError {
  return new ReswarmError('device-gone', `${path} is not there any more, or has no medium`, {
    hints: ['Was the card taken out? `reswarm-os devices` lists what is there.'],
    cause,
  });
}
