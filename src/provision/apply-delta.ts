import { writeFully } from '../images/sparse-write.js';
import { readFile } from 'node:fs/promises';
import { MiB } from '../model/bytes.js';
import { decodeDelta, deltaBytes, type ImageDelta } from '../formats/delta/image-delta.js';
import { IntegrityError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { writeData } from '../images/sparse-write.js';
import { checkImagePath, replaceImage } from '../images/image-file.js';
import { streamSha256 } from '../host/file-digest.js';
import type { RawImage } from '../images/disk-image.js';
import { withRawImage, withWritableImage } from '../images/raw-image.js';
import { removeOutdatedNeighbours } from './outdated-neighbours.js';

export type AppliedDelta = { readonly image: string; readonly writtenBytes: number; readonly unchanged: boolean };

/** The largest overlay that is read; those of a seed have some KiB, files of a device may add to them. */
const LIMIT_BYTES = 64 * MiB;

/**
 * Makes of a base image and a device's overlay that device's image: in `output`, or in place. Throws UserError
 * `overlay-invalid`, `overlay-unreadable`, `overlay-wrong-image`, what withRawImage and replaceImage throw, and
 * IntegrityError `overlay-read-back`.
 */
export async function applyDelta(
  options: { readonly overlay: string; readonly image: string; readonly output?: string },
  host: Host,
): Promise<AppliedDelta> {
  const { overlay, baseSha256 } = decodeDelta(await readOverlayFile(options.overlay));
  const { output, image } = options;
  if (output === undefined) {
    const applied = await withWritableImage(image, host, async (target) => {
      if (await isApplied(target, overlay)) return { image, writtenBytes: 0, unchanged: true };
      await requireBase(target, overlay, baseSha256);
      await target.write([overlay.extents]);
      await readBack(target, overlay);
      return { image, writtenBytes: deltaBytes(overlay), unchanged: false };
    });
    if (!applied.unchanged) await removeOutdatedNeighbours(image);
    return applied;
  }
  const problems = await checkImagePath(output);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return withRawImage(image, host, async (base) => {
    await requireBase(base, overlay, baseSha256);
    await replaceImage(output, { sizeBytes: base.sizeBytes, mode: 0o600 }, async (target) => {
      for (let position = 0; position < base.sizeBytes; position += MiB) {
        host.signal.throwIfAborted();
        await writeData(target, Buffer.from(await base.read(position, MiB)), position);
      }
      await target.truncate(base.sizeBytes);
      for (const { offsetBytes, bytes } of overlay.extents) await writeFully(target, bytes, offsetBytes);
    });
    await withRawImage(output, host, (written) => readBack(written, overlay));
    return { image: output, writtenBytes: deltaBytes(overlay), unchanged: false };
  });
}

async function readOverlayFile(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= LIMIT_BYTES) return bytes;
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new UserError('overlay-unreadable', `${path} cannot be read (${code})`, { cause });
  }
  throw new UserError('overlay-invalid', `${path} is too large to be an overlay`);
}

async function isApplied(target: RawImage, overlay: ImageDelta): Promise<boolean> {
  if (target.sizeBytes !== overlay.imageSizeBytes) return false;
  for (const { offsetBytes, bytes } of overlay.extents) {
    if (Buffer.compare(await target.read(offsetBytes, bytes.length), bytes) !== 0) return false;
  }
  return true;
}

async function readBack(target: RawImage, overlay: ImageDelta): Promise<void> {
  if (await isApplied(target, overlay)) return;
  throw new IntegrityError('overlay-read-back', `${target.name} does not hold what was written to it`, {
    hints: ['The disk may be failing.'],
  });
}

/** Sectors of one image mean nothing in another one. */
async function requireBase(base: RawImage, overlay: ImageDelta, baseSha256: string): Promise<void> {
  const fits = base.sizeBytes === overlay.imageSizeBytes && (await streamSha256(base.stream())) === baseSha256;
  if (fits) return;
  throw new UserError('overlay-wrong-image', `The overlay was not made for ${base.name}`, {
    details: [`made for an image with the sha256 ${baseSha256}`],
    hints: ['Name the very image that `fleet images --base` was given, unchanged.'],
  });
}
