import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { realpath, stat } from 'node:fs/promises';
import type { BlockDevice } from '../host/drives/block-device.js';
import { deviceNumber } from '../host/drives/device-number.js';
import type { DeviceNeed, RefusalReason } from './refusals.js';
import { deviceRefusals } from './refusals.js';
import { DeviceRefusedError, ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { rereadPartitionTable } from './partition-table-reread.js';

/** What a card is wanted for. */
export type CardNeed = {
  /** Bytes that must fit on it; undefined while that is not known. */
  readonly sizeBytes?: number;
  /** Of the image; default: 512. */
  readonly sectorSizeBytes?: number | 'unknown';
  /** Files or devices that are read while it is written. */
  readonly imagePaths: readonly string[];
  readonly allowLarge?: boolean;
  readonly allowBuiltIn?: boolean;
};

/** A device that may be written to, and what for: so it is held to the same once more when it is opened. */
export type ClaimedDevice = BlockDevice & { readonly claim: CardNeed };

/**
 * The drive at a path that a person named, when it may be written to. Nothing is written, and nothing is kept open.
 * Throws DeviceRefusedError `device-refused` with every reason, UserError `device-not-found` or
 * `not-a-block-device`, ReswarmError `device-busy` or `device-not-permitted`.
 *
 * @param known all drives of this machine, where somebody has just looked
 */
export async function claimDevice(
  path: string,
  need: CardNeed,
  host: Host,
  known?: readonly BlockDevice[],
): Promise<ClaimedDevice> {
  const number = await blockDeviceNumber(path);
  const devices = known ?? (await host.blockDevices());
  const device = devices.find(({ majorMinor }) => majorMinor === number);
  if (device === undefined) {
    throw new UserError('device-not-found', `Nothing is known of ${path} (${number}): lsblk and /sys do not list it`, {
      hints: ['`reswarm-os devices` lists the drives that could be written.'],
    });
  }
  await refuse(path, device, devices, need);
  const handle = await host.openDevice(device.path, { access: 'look' });
  await handle.close();
  return { ...device, claim: need };
}

/** The same claim, now that the size is known. */
export function claimedFor(device: ClaimedDevice, sizeBytes: number): ClaimedDevice {
  return { ...device, claim: { ...device.claim, sizeBytes } };
}

type OpenOptions = {
  /** Past the page cache: buffers, lengths and offsets aligned to 4096 bytes. */
  readonly direct?: boolean;
  /** Told when the kernel could not be made to read the new partition table. */
  readonly warn?: (text: string, hint?: string) => void;
};

/**
 * Opens a claimed device for writing while nothing else may use it, and has the kernel read its partition table anew
 * afterwards. Before anything is written it must still be the device that was claimed: a reader whose card was
 * changed meanwhile, or another drive that got the name, ends with ReswarmError `device-changed`.
 */
export async function withDeviceOpen<Result>(
  device: ClaimedDevice,
  host: Host,
  use: (handle: FileHandle) => Promise<Result>,
  { direct = false, warn = () => undefined }: OpenOptions = {},
): Promise<Result> {
  await requireSame(device, host, device.claim);
  const handle = await host.openDevice(device.path, { access: 'write', direct });
  try {
    // Nothing can mount it any more; whatever happened between the first look and now shows here.
    if (deviceNumber((await handle.stat()).rdev) !== device.majorMinor) throw changed(device, ['number']);
    await requireSame(device, host);
    return await use(handle);
  } finally {
    await handle.close();
    await rereadPartitionTable(device, host.uninterrupted(), warn);
  }
}

/** Compares with what is there now; with a need, its fitness for that too. */
async function requireSame(device: BlockDevice, host: Host, need?: CardNeed): Promise<void> {
  const devices = await host.blockDevices();
  const now = devices.find(({ path }) => path === device.path);
  if (now === undefined) {
    throw new ReswarmError('device-gone', `${device.path} is not there any more`, {
      hints: ['Was the card taken out? `reswarm-os devices` lists what is there.'],
    });
  }
  const differences = IDENTITY.filter(([key]) => now[key] !== device[key]);
  if (differences.length > 0) {
    throw changed(
      device,
      differences.map(([, name]) => name),
    );
  }
  if (need !== undefined) await refuse(device.path, now, devices, need);
}

/** What makes it this drive with this card in it. */
const IDENTITY = [
  ['majorMinor', 'number'],
  ['sizeBytes', 'size'],
  ['vendor', 'vendor'],
  ['model', 'model'],
  ['serial', 'serial number'],
  ['wwn', 'world wide name'],
  ['cid', "card's own number"],
  ['sequence', 'medium'],
  ['backingFile', 'file behind it'],
] as const;

function changed(device: BlockDevice, differences: readonly string[]): ReswarmError {
  return new ReswarmError('device-changed', `${device.path} is not the device any more that was confirmed`, {
    details: [`different now: ${differences.join(', ')}`],
    hints: ['Nothing was written. Was the card changed? Start again to see what is there now.'],
  });
}

const LIFTED_BY_FLAGS: readonly RefusalReason[] = ['too-large', 'built-in'];

async function refuse(
  path: string,
  device: BlockDevice,
  devices: readonly BlockDevice[],
  { imagePaths, ...need }: CardNeed,
): Promise<void> {
  const images = await Promise.all(imagePaths.map((image) => locate(image, devices)));
  const refusals = deviceRefusals(device, { ...need, images, isNamed: true });
  if (refusals.length === 0) return;
  // A flag that would lift one reason is no advice where another one stays.
  const isFinal = refusals.some(({ reason }) => !LIFTED_BY_FLAGS.includes(reason));
  throw new DeviceRefusedError(
    path,
    refusals.map(({ reason, message, hint }) => ({
      code: reason,
      message,
      ...(isFinal && LIFTED_BY_FLAGS.includes(reason) ? {} : { hint }),
    })),
  );
}

/** The devices that a file lies on, and those that consist of it: a device itself, a loop device with it behind. */
async function locate(
  path: string,
  devices: readonly BlockDevice[],
): Promise<NonNullable<DeviceNeed['images']>[number]> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) return { path, devices: [] };
  if (status.isBlockDevice()) return { path, devices: [deviceNumber(status.rdev)] };
  const behind = await Promise.all(
    devices.map(async ({ backingFile, majorMinor }) => {
      const other = backingFile === undefined ? undefined : await stat(backingFile).catch(() => undefined);
      return other?.dev === status.dev && other.ino === status.ino ? [majorMinor] : [];
    }),
  );
  return { path, devices: [deviceNumber(status.dev), ...behind.flat()] };
}

async function blockDeviceNumber(path: string): Promise<string> {
  const hints = ['`reswarm-os devices` lists the drives that could be written.'];
  let status;
  try {
    status = await stat(await realpath(path));
  } catch (error) {
    throw new UserError('device-not-found', `There is no device ${path}`, { hints, cause: error });
  }
  if (!status.isBlockDevice()) {
    throw new UserError('not-a-block-device', `${path} is ${kindOf(status)}, not a drive`, { hints });
  }
  return deviceNumber(status.rdev);
}

function kindOf(status: Stats): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFile()) return 'an ordinary file';
  if (status.isCharacterDevice()) return 'a character device';
  return status.isFIFO() ? 'a pipe' : 'a socket';
}
