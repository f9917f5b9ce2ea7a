import { constants } from 'node:fs';
import { copyFile, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IdentityReader } from './definition/device-identity.js';
import { deviceProblem } from './definition/fleet.js';
import { MiB } from '../model/bytes.js';
import { encodeDelta, deltaBytes, type ImageDelta } from '../formats/delta/image-delta.js';
import { seedDigest } from '../seeds/seed-digest.js';
import { IntegrityError, UserError, type Problem } from '../errors.js';
import type { Host } from '../host/host.js';
import { writeData } from '../images/sparse-write.js';
import { streamSha256 } from '../host/file-digest.js';
import { openBootPartition, wrongBootFiles } from '../images/edit-boot-files.js';
import type { CheckedFleet, FleetOptions, SeedBase } from './check-fleet.js';
import { deviceChanges, type DeviceChanges } from '../provision/device-changes.js';
import { fromFolder, GroupedFindings } from './fleet-findings.js';
import { replaceFolder, type Output } from './fleet-output.js';
import { findDevice, openFleet } from './fleet-queue.js';
import type { RawImage } from '../images/disk-image.js';
import type { WritableImage } from '../images/raw-image.js';
import { withRawImage, withWritableImage } from '../images/raw-image.js';
import { sha256 } from '../model/sha256.js';

export type FleetImagesOptions = FleetOptions & {
  readonly base: string;
  readonly out: string;
  /** Whole images instead of overlays. */
  readonly whole: boolean;
  readonly uniqueDisk: boolean;
  readonly sourceDateEpoch: number;
};

export type FleetImages = CheckedFleet & {
  readonly out: string;
  readonly baseSha256: string;
  readonly images: readonly {
    readonly device: string;
    readonly file: string;
    readonly instanceId: string;
    readonly seedSha256: string;
    /** Of the overlay file, or of the bytes that a whole image has different. */
    readonly overlayBytes: number;
  }[];
};

/**
 * Makes of one base image what each device of a fleet needs: an overlay of some KiB, or a whole image that shares its
 * blocks with the base where the file system can. The base's own seed is what the devices' values are worked into. All
 * or none; the same fleet and base give the same bytes.
 *
 * Throws UserError with every problem of the fleet and its seeds, what withRawImage, openBootPartition and
 * replaceFolder throw, and IntegrityError `fleet-image-read-back`.
 */
export async function makeFleetImages(
  options: FleetImagesOptions,
  defaults: SeedBase,
  host: Host,
): Promise<FleetImages> {
  const fleet = await openFleet(options.path);
  const devices = options.only?.map((name) => findDevice(fleet, name)) ?? fleet.devices;
  return withRawImage(options.base, host, async (base) => {
    await openBootPartition(base.read, base.sizeBytes, options.base);
    const baseSha256 = await streamSha256(base.stream());
    const reader = new IdentityReader();
    const errors = new GroupedFindings();
    const notes = new GroupedFindings();
    const images: FleetImages['images'][number][] = [];
    const kind = options.whole ? 'images' : 'overlays';
    await replaceFolder(options.out, kind, { keep: options.only !== undefined, baseSha256 }, async (output) => {
      for (const device of devices) {
        host.signal.throwIfAborted();
        const { identity, problems, warnings } = await reader.read(device);
        const found = [...problems];
        const view = await openBootPartition(base.read, base.sizeBytes, options.base);
        const seedOptions = {
          defaults: defaults.seed,
          ...(defaults.schemas === undefined ? {} : { schemas: defaults.schemas }),
        };
        const { uniqueDisk, sourceDateEpoch } = options;
        let changes: DeviceChanges | undefined;
        if (found.length === 0) {
          changes = await deviceChanges(view, base.read, identity, {
            ...seedOptions,
            uniqueDisk,
            sourceDateEpoch,
          }).catch((error: unknown) => {
            if (!(error instanceof UserError)) throw error;
            found.push(...error.problems.map((problem) => deviceProblem(device, ['name'], problem)));
            return undefined;
          });
        }
        for (const problem of found) errors.add(problem, device.name);
        const about = changes?.warnings.map((warning) => deviceProblem(device, ['name'], warning)) ?? [];
        for (const warning of [...warnings, ...about]) notes.add(warning, device.name, true);
        if (changes === undefined || errors.list().length > 0) continue;
        const { overlay, steps } = await view.edit(changes.changes);
        const ways = { base, baseSha256, overlay, steps, changes };
        const made = options.whole
          ? await wholeImage(device.name, output, ways, host)
          : await overlayFile(device.name, output, ways);
        images.push(made);
      }
      const shown = errors.list().map((problem) => fromFolder(problem, options.workingFolder));
      if (shown.length > 0) throw UserError.fromProblems(shown);
    });
    const warnings = notes.list().map((problem: Problem) => fromFolder(problem, options.workingFolder));
    return { devices: fleet.devices.length, warnings, out: options.out, baseSha256, images };
  });
}

type Made = FleetImages['images'][number];

type Ways = {
  readonly base: RawImage;
  readonly baseSha256: string;
  readonly overlay: ImageDelta;
  readonly steps: Parameters<WritableImage['write']>[0];
  readonly changes: DeviceChanges;
};

async function overlayFile(
  device: string,
  { folder, add }: Output,
  { overlay, baseSha256, changes }: Ways,
): Promise<Made> {
  const file = `${device}.overlay`;
  const bytes = encodeDelta({ overlay, baseSha256 });
  await writeFile(join(folder, file), bytes, { mode: 0o600 });
  const { instanceId, seed } = changes;
  const seedSha256 = seedDigest(seed);
  const overlaySha256 = sha256(bytes);
  add(device, { instanceId, seedSha256, overlaySha256, path: file });
  return { device, file, instanceId, seedSha256, overlayBytes: bytes.length };
}

async function wholeImage(device: string, { folder, add }: Output, ways: Ways, host: Host): Promise<Made> {
  const file = `${device}.img`;
  const path = join(folder, file);
  await copySparse(ways.base, path);
  await withWritableImage(path, host, async (target) => {
    await target.write(ways.steps);
    const wrong = await wrongBootFiles(target.read, target.sizeBytes, ways.changes.changes.files);
    if (wrong.length === 0) return;
    throw new IntegrityError('fleet-image-read-back', `${file} does not hold what was written to it`, {
      details: wrong,
    });
  });
  const { instanceId, seed } = ways.changes;
  const seedSha256 = seedDigest(seed);
  add(device, { instanceId, seedSha256, path: file });
  return { device, file, instanceId, seedSha256, overlayBytes: deltaBytes(ways.overlay) };
}

/** Blocks are shared with the base where the file system can (btrfs, xfs); elsewhere zeros become holes. */
async function copySparse(base: RawImage, to: string): Promise<void> {
  try {
    await copyFile(base.path, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return;
  } catch {
    // This file system cannot share blocks.
  }
  const target = await open(to, 'w', 0o600);
  try {
    for (let position = 0; position < base.sizeBytes; position += MiB) {
      await writeData(target, Buffer.from(await base.read(position, MiB)), position);
    }
    await target.truncate(base.sizeBytes);
  } finally {
    await target.close();
  }
}
