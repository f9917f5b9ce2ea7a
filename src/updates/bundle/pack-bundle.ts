import { createHash } from 'node:crypto';
import { chmod, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CommandError, UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { linkTarget, temporaryBeside } from '../../host/replace-file.js';
import type { RawImage } from '../../images/disk-image.js';
import { CHUNK_BYTES, writeData } from '../../images/sparse-write.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import type { OpenedSigner } from '../keys/open-signer.js';
import { runSigning } from '../signing-tools.js';
import type { ImageSlots } from './image-slots.js';

/** Of the squashfs: small enough that a device which reads a few blocks fetches little more; see docs/how-updates-work.md. */
const SQUASHFS_BLOCK = '64k';
const ZSTD_LEVEL = 15;

type SlotImage = { readonly offsetBytes: number; readonly sizeBytes: number };

/** RAUC's description of a bundle; every image has an index of its blocks. */
export function bundleManifest(compatible: string, version: string): string {
  const images = [
    ['rootfs', 'root.ext4'],
    ['boot', 'boot.vfat'],
  ].map(([slot, file]) => `\n[image.${slot}]\nfilename=${file}\nadaptive=block-hash-index\n`);
  return `[update]\ncompatible=${compatible}\nversion=${version}\n\n[bundle]\nformat=verity\n${images.join('')}`;
}

/** Copies the partitions of slot A into a folder, with RAUC's manifest. Zeros become holes. */
export async function writeContent(image: RawImage, slots: ImageSlots, version: string, folder: string): Promise<void> {
  await mkdir(folder);
  await copyOut(image, slots.root, join(folder, 'root.ext4'));
  await copyOut(image, slots.boot, join(folder, 'boot.vfat'));
  await writeFile(join(folder, 'manifest.raucm'), bundleManifest(slots.compatible, version));
  for (const name of ['root.ext4', 'boot.vfat', 'manifest.raucm']) await chmod(join(folder, name), 0o644);
  await chmod(folder, 0o755);
}

async function copyOut(image: RawImage, { offsetBytes, sizeBytes }: SlotImage, path: string): Promise<void> {
  const target = await open(path, 'wx');
  try {
    for (let position = 0; position < sizeBytes; position += CHUNK_BYTES) {
      const wanted = Math.min(CHUNK_BYTES, sizeBytes - position);
      await writeData(target, await image.read(offsetBytes + position, wanted), position);
    }
    await target.truncate(sizeBytes);
  } finally {
    await target.close();
  }
}

/**
 * Packs, signs and verifies. The same content gives the same squashfs; RAUC's salt and the signature are new each time.
 * Throws UserError `bundle-not-made`.
 *
 * @param content folder of writeContent
 * @param output takes its place when it is whole and its signature was verified
 */
export async function packBundle(
  content: string,
  output: string,
  { signer, epoch, jobs }: { readonly signer: OpenedSigner; readonly epoch: number; readonly jobs: number },
  tools: ToolsTree,
  host: Host,
): Promise<{ readonly temporary: string; readonly place: string }> {
  const place = await linkTarget(resolve(output));
  const temporary = temporaryBeside(place);
  const squashfs = `-comp zstd -Xcompression-level ${ZSTD_LEVEL} -b ${SQUASHFS_BLOCK} -all-time ${epoch} -mkfs-time ${epoch} -processors ${jobs}`;
  const text = `${signer.setup}
rauc bundle --cert=${signer.certificate} --key="$1" --keyring=${signer.root} --mksquashfs-args="$2" /mnt "/srv/$3"`;
  try {
    await runSigning(
      {
        text,
        words: [signer.raucKey, squashfs, temporary.slice(dirname(place).length + 1)],
        secrets: [signer.secret],
        mounts: [
          { source: content, target: '/mnt', writable: true },
          { source: dirname(place), target: '/srv', writable: true },
          ...signer.mounts,
        ],
      },
      tools,
      host,
    );
  } catch (error) {
    await rm(temporary, { force: true });
    if (!(error instanceof CommandError)) throw error;
    throw new UserError('bundle-not-made', 'RAUC could not make the bundle', { details: error.details, cause: error });
  }
  return { temporary, place };
}

/** sha256 (hex) of the squashfs at the start of a bundle, which is the same for the same content. */
export async function payloadDigest(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(SQUASHFS_HEAD_BYTES);
    await file.read(head, 0, head.length, 0);
    // bytes_used of its superblock; RAUC goes on at the next 4 KiB.
    const sizeBytes = Number(head.readBigUInt64LE(BYTES_USED_OFFSET));
    const hash = createHash('sha256');
    for (let position = 0; position < sizeBytes; position += CHUNK_BYTES) {
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - position));
      await file.read(buffer, 0, buffer.length, position);
      hash.update(buffer);
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

const SQUASHFS_HEAD_BYTES = 96;
const BYTES_USED_OFFSET = 40;
