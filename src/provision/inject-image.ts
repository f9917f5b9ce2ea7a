import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';
import type { CloudInitSchemas } from '../seeds/cloud-init-schemas.js';
import { readDefaultSeed } from '../seeds/read-seed.js';
import type { BlockDevice } from '../host/drives/block-device.js';
import { compressionOf, MAGIC_BYTES } from '../formats/compression.js';
import type { Overlay } from '../formats/image-delta.js';
import { overlayBytes } from '../formats/image-delta.js';
import type { Problem } from '../errors.js';
import { IntegrityError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { BootPartitionView } from '../images/edit-boot-files.js';
import { openBootPartition, wrongBootFiles } from '../images/edit-boot-files.js';
import { claimDevice, withDeviceOpen } from '../drives/claim.js';
import { deviceChanges, type DeviceChangesOptions } from './device-changes.js';
import { findTools } from '../tools/find-tools.js';
import { withRawImage } from '../images/image-source.js';
import type { ImageTarget } from '../images/image-target.js';
import { removeOutdatedNeighbours } from './outdated-neighbours.js';
import { targetOf, withFreshRead, withImageFile } from '../images/image-target.js';
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
 * and openImageSource throw.
 */
export async function injectImage(options: InjectOptions, host: Host): Promise<Injection> {
  const { image, output } = options;
  const isDevice = (await stat(image).catch(() => undefined))?.isBlockDevice() === true;
  if (output !== undefined) {
    if (isDevice) throw new UserError('output-of-device', `${image} is a card; --output is for image files`);
    const tools = await findTools(host);
    return withRawImage(image, tools, host, (raw) =>
      withImageFile(raw, 'read', async (target) => {
        const { edit, injection } = await planInjection(target, options);
        await writeDeviceImage(target, edit.overlay, output, tools, host);
        const outdated = await removeOutdatedNeighbours(output);
        return { ...injection, image: output, changed: true, ...target.traffic, outdated };
      }),
    );
  }
  if (isDevice) return injectCard(options, host);
  await refusePacked(image);
  const injection = await withImageFile(image, 'write', (target) => injectTarget(target, options));
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
  use: (target: ImageTarget, device: BlockDevice) => Promise<Result>,
): Promise<Result> {
  const device = await claimDevice(path, { imagePaths: [] }, host);
  const { sizeBytes = 0 } = device;
  return withDeviceOpen(device, host, (handle) =>
    use(targetOf(handle, { path: device.path, sizeBytes, isDevice: true }), device),
  );
}

async function planInjection(target: ImageTarget, options: TargetOptions) {
  const view = await openBootPartition(target.read, target.sizeBytes, target.path);
  const { identity, projectDir, ...others } = options;
  const defaults = await readDefaultSeed(join(projectDir, 'cloud-init'));
  const device = await deviceChanges(view, target.read, identity, { ...others, defaults });
  const { changes } = device;
  const before = await contents(view, [...changes.files.keys()]);
  const edit = await view.edit(changes);
  const different = [...changes.files].filter(([path, content]) => !isSame(before.get(path), content));
  const injection: Injection = {
    image: target.path,
    changed: edit.steps.length > 0,
    instanceId: device.instanceId,
    ...(device.instanceIdBefore === undefined ? {} : { instanceIdBefore: device.instanceIdBefore }),
    written: different.flatMap(([path, content]) => (content === undefined ? [] : [path])),
    removed: different.flatMap(([path, content]) => (content === undefined ? [path] : [])),
    diskId: device.diskId,
    fatSerial: changes.fatSerial ?? view.serial,
    overlayBytes: overlayBytes(edit.overlay),
    ...target.traffic,
    outdated: [],
    warnings: device.warnings,
  };
  return { edit, injection, files: changes.files };
}

/** @param confirm throws where nothing may be written; called only when something would be */
export async function injectTarget(
  target: ImageTarget,
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
  target: ImageTarget,
  overlay: Overlay,
  files: ReadonlyMap<string, Uint8Array | string | undefined>,
): Promise<void> {
  const wrong = await withFreshRead(target, async (read) => {
    for (const { offsetBytes, bytes } of overlay.extents) {
      const found = await read(offsetBytes, bytes.length);
      if (Buffer.compare(found, bytes) !== 0) return [`bytes ${offsetBytes} to ${offsetBytes + bytes.length - 1}`];
    }
    return wrongBootFiles(read, target.sizeBytes, files);
  });
  if (wrong.length === 0) return;
  throw new IntegrityError('inject-read-back', `${target.path} does not hold what was written to it`, {
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

/** Throws UserError `image-compressed`: what is packed cannot be changed in place. */
async function refusePacked(path: string): Promise<void> {
  const packed = await withImageFile(path, 'read', async ({ read }) => compressionOf(await read(0, MAGIC_BYTES)));
  if (packed === 'none') return;
  throw new UserError('image-compressed', `${path} is compressed (${packed}) and cannot be changed in place`, {
    hints: [`Name a new image for the result: --output device.img (or device.img.${packed}).`],
  });
}
