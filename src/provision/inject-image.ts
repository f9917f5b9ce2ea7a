import { join } from 'node:path';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { readDefaultSeed } from '../seeds/compose/read-seed.js';
import type { BlockDevice } from '../host/drives/block-device.js';
import type { ImageDelta } from '../formats/delta/image-delta.js';
import { deltaBytes } from '../formats/delta/image-delta.js';
import type { Problem } from '../errors.js';
import { IntegrityError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { BootPartitionView } from '../images/edit-boot-files.js';
import { openBootPartition, wrongBootFiles } from '../images/edit-boot-files.js';
import { claimDevice, withDeviceOpen } from '../drives/claim.js';
import { deviceChanges, type DeviceChangesOptions } from './device-changes.js';
import { findTools } from '../tools/find-tools.js';
import type { RawImage } from '../images/disk-image.js';
import { isDrive, openedDrive } from '../images/disk-image.js';
import { removeOutdatedNeighbours } from './outdated-neighbours.js';
import type { WritableImage } from '../images/raw-image.js';
import { withFreshRead, withRawImage, withWritableImage, writableImage } from '../images/raw-image.js';
import { writeDeviceImage } from './write-device-image.js';

/** What would be written to a card, shown before it is. */
export type InjectPlan = { readonly device: BlockDevice; readonly path: string; readonly files: readonly string[] };

export type InjectOptions = {
  /** Path of an image file or of a block device. */
  readonly image: string;
  /** A new image instead of a change in place; its name says how it is packed. */
  readonly output?: string;
  readonly identity: DeviceIdentity;
  /** Where cloud-init/ lies. */
  readonly projectDir: string;
  readonly sourceDateEpoch: number;
  readonly uniqueDisk: boolean;
  readonly schemas?: CloudInitSchemas;
  /** Asked before a card is written; throws where the answer is no. */
  readonly confirm: (plan: InjectPlan) => Promise<void>;
};

type TargetOptions = Pick<InjectOptions, 'identity' | 'projectDir'> & Omit<DeviceChangesOptions, 'defaults'>;

/** What an injection did. */
export type Injection = {
  readonly image: string;
  /** False: all of it was there already, and nothing was written. */
  readonly changed: boolean;
  readonly instanceId: string;
  readonly instanceIdBefore?: string;
  readonly seedReader: 'cloud-init' | 'init';
  /** Files of the boot partition that are different now; never what they hold. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly diskId: string;
  readonly fatSerial: string;
  readonly overlayBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** What described the image file as it was before, and was taken away. */
  readonly outdated: readonly string[];
  readonly warnings: readonly Problem[];
};

/**
 * Makes an image or a card that device: writes what is different on its boot partition, and reads it back. Throws
 * UserError with every problem before anything is written, IntegrityError `inject-read-back`, and what claimDevice
 * and openDiskImage throw.
 */
export async function injectImage(options: InjectOptions, host: Host): Promise<Injection> {
  const { image, output } = options;
  const isCard = await isDrive(image);
  if (output !== undefined) {
    if (isCard) throw new UserError('output-of-device', `${image} is a card; --output is for image files`);
    return withRawImage(image, host, async (base) => {
      const { edit, injection } = await planInjection(base, options);
      await writeDeviceImage(base, edit.overlay, output, await findTools(host), host);
      const outdated = await removeOutdatedNeighbours(output);
      return { ...injection, image: output, changed: true, ...base.traffic, outdated };
    });
  }
  if (isCard) return injectCard(options, host);
  const injection = await withWritableImage(image, host, (target) => injectTarget(target, options));
  return { ...injection, outdated: injection.changed ? await removeOutdatedNeighbours(image) : [] };
}

async function injectCard(options: InjectOptions, host: Host): Promise<Injection> {
  return withCard(options.image, host, (target, device) => {
    const confirm = (files: readonly string[]): Promise<void> =>
      options.confirm({ device, path: options.image, files });
    return injectTarget(target, options, confirm);
  });
}

/** Lends a card that may be written to, while nobody else may use it. Throws what claimDevice throws. */
export async function withCard<Result>(
  path: string,
  host: Host,
  use: (target: WritableImage, device: BlockDevice) => Promise<Result>,
): Promise<Result> {
  const device = await claimDevice(path, { imagePaths: [] }, host);
  return withDeviceOpen(device, host, async (handle) =>
    use(writableImage(await openedDrive(device.path, handle, device.sizeBytes), host), device),
  );
}

async function planInjection(target: RawImage, options: TargetOptions) {
  const view = await openBootPartition(target.read, target.sizeBytes, target.name, target.sectorSizeBytes);
  const { identity, projectDir, ...others } = options;
  const defaults = await readDefaultSeed(join(projectDir, 'cloud-init'));
  const device = await deviceChanges(view, target.read, identity, { ...others, defaults });
  const { changes } = device;
  const before = await contents(view, [...changes.files.keys()]);
  const edit = await view.edit(changes);
  const different = [...changes.files].filter(([path, content]) => !isSame(before.get(path), content));
  const injection: Injection = {
    image: target.name,
    changed: edit.steps.length > 0,
    instanceId: device.instanceId,
    seedReader: device.seedReader,
    ...(device.instanceIdBefore === undefined ? {} : { instanceIdBefore: device.instanceIdBefore }),
    written: different.flatMap(([path, content]) => (content === undefined ? [] : [path])),
    removed: different.flatMap(([path, content]) => (content === undefined ? [path] : [])),
    diskId: device.diskId,
    fatSerial: changes.fatSerial ?? view.serial,
    overlayBytes: deltaBytes(edit.overlay),
    ...target.traffic,
    outdated: [],
    warnings: device.warnings,
  };
  return { edit, injection, files: changes.files };
}

/** @param confirm throws where nothing may be written; called only when something would be */
export async function injectTarget(
  target: WritableImage,
  options: TargetOptions,
  confirm: (files: readonly string[]) => Promise<void> = () => Promise.resolve(),
): Promise<Injection> {
  const { edit, injection, files } = await planInjection(target, options);
  if (injection.changed) {
    await confirm([...injection.written, ...injection.removed]);
    await target.write(edit.steps);
    await readBack(target, edit.overlay, files);
  }
  return { ...injection, ...target.traffic };
}

async function readBack(
  target: RawImage,
  overlay: ImageDelta,
  files: ReadonlyMap<string, Uint8Array | string | undefined>,
): Promise<void> {
  const wrong = await withFreshRead(target, async (read) => {
    for (const { offsetBytes, bytes } of overlay.extents) {
      const found = await read(offsetBytes, bytes.length);
      if (Buffer.compare(found, bytes) !== 0) return [`bytes ${offsetBytes} to ${offsetBytes + bytes.length - 1}`];
    }
    return wrongBootFiles(read, target.sizeBytes, files, target.sectorSizeBytes);
  });
  if (wrong.length === 0) return;
  throw new IntegrityError('inject-read-back', `${target.name} does not hold what was written to it`, {
    details: wrong,
    hints: ['The medium may be failing: try another card.'],
  });
}

async function contents(
  view: BootPartitionView,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array | undefined>> {
  const found = new Map<string, Uint8Array | undefined>();
  for (const path of paths) found.set(path, await view.readFile(path));
  return found;
}

function isSame(before: Uint8Array | undefined, after: Uint8Array | string | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return Buffer.compare(before, Buffer.from(after)) === 0;
}
