import { mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { cardSize, overlayCommand, overlayInfoCommand } from '../model/qemu.js';
import type { Mount, Sandbox } from '../model/sandbox.js';
import { CommandError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { imageDigest } from '../images/image-digest.js';

/** The card that a machine runs on: an overlay over the image. Paths are as the sandbox has them. */
export type BootCard = { readonly card: string; readonly sandbox: Sandbox };

type CardOptions = {
  readonly tools: string;
  /** Not packed; a file or a block device. */
  readonly image: string;
  /** What to call it. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Scratch folder, and where the sandbox has it. */
  readonly folder: { readonly outside: string; readonly inside: string };
  /** Where the card is kept; it goes on from what is there. */
  readonly snapshot?: string;
};

const IMAGES = '/run/boot/image';
const KEPT = '/run/boot/kept';

/**
 * A new card, or the one that was kept. The image's digest is part of the path that a kept card knows it by, so that
 * it can be booted with no other image: what was written would not fit.
 * Throws UserError `snapshot-of-other-image`, `snapshot-of-device`, `not-a-snapshot` or `snapshot-not-writable`.
 */
export async function prepareCard(options: CardOptions, host: Host): Promise<BootCard> {
  const { snapshot, folder, image } = options;
  const isDevice = (await stat(image)).isBlockDevice();
  const scratch: Mount = { source: folder.outside, target: folder.inside, writable: true };
  const base = { root: options.tools, cwd: folder.inside };
  if (snapshot === undefined) {
    const inside = join(IMAGES, 'image');
    const sandbox = { ...base, mounts: [imageMount(await realpath(image), inside, isDevice), scratch] };
    const card = join(folder.inside, 'card.qcow2');
    await host.runIn(sandbox, overlayCommand(inside, card, cardSize(options.sizeBytes)));
    return { card, sandbox };
  }
  const digest = await imageDigest(image, host);
  if (digest === undefined) {
    throw new UserError(
      'snapshot-of-device',
      `${options.name} is a device: what a snapshot lies over must not change`,
      {
        hints: ['Copy it into an image file first, and boot that.'],
      },
    );
  }
  const inside = join(IMAGES, digest);
  const sandbox: Sandbox = {
    ...base,
    mounts: [
      imageMount(await realpath(image), inside, isDevice),
      scratch,
      { source: await parentFolder(snapshot), target: KEPT, writable: true },
    ],
  };
  const card = join(KEPT, basename(snapshot));
  if ((await stat(snapshot).catch(() => undefined)) !== undefined) {
    await requireSameImage(snapshot, card, inside, options.name, sandbox, host);
  } else await createKept(snapshot, overlayCommand(inside, card, cardSize(options.sizeBytes)), sandbox, host);
  return { card, sandbox };
}

function imageMount(source: string, target: string, isDevice: boolean): Mount {
  return { source, target, ...(isDevice ? { device: true } : {}) };
}

async function parentFolder(snapshot: string): Promise<string> {
  const folder = dirname(resolve(snapshot));
  try {
    await mkdir(folder, { recursive: true });
    return await realpath(folder);
  } catch (error) {
    throw notWritable(snapshot, error);
  }
}

function notWritable(snapshot: string, cause: unknown): UserError {
  return new UserError('snapshot-not-writable', `The snapshot ${snapshot} cannot be written`, {
    hints: ['Choose another place with --snapshot FILE.'],
    cause,
  });
}

async function createKept(
  snapshot: string,
  create: ReturnType<typeof overlayCommand>,
  sandbox: Sandbox,
  host: Host,
): Promise<void> {
  try {
    // A device's secrets will lie in it.
    await (await open(snapshot, 'wx', 0o600)).close();
  } catch (error) {
    throw notWritable(snapshot, error);
  }
  try {
    await host.runIn(sandbox, create);
  } catch (error) {
    await rm(snapshot, { force: true });
    throw error;
  }
}

async function requireSameImage(
  snapshot: string,
  card: string,
  image: string,
  name: string,
  sandbox: Sandbox,
  host: Host,
): Promise<void> {
  let info: { format?: string; 'backing-filename'?: string };
  try {
    info = JSON.parse((await host.runIn(sandbox, overlayInfoCommand(card))).stdout) as typeof info;
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
    throw notASnapshot(snapshot, error);
  }
  const backing = info['backing-filename'];
  if (info.format !== 'qcow2' || backing?.startsWith(`${IMAGES}/`) !== true) throw notASnapshot(snapshot);
  if (backing !== image) {
    throw new UserError('snapshot-of-other-image', `The snapshot ${snapshot} lies over another image than ${name}`, {
      details: [`its image has the sha256 ${basename(backing)}`, `this one has     ${basename(image)}`],
      hints: ['Name the image that it was made from, or another file with --snapshot.'],
    });
  }
}

function notASnapshot(snapshot: string, cause?: unknown): UserError {
  return new UserError('not-a-snapshot', `${snapshot} is there and is no card that \`boot --snapshot\` kept`, {
    hints: ['Choose another file with --snapshot.'],
    ...(cause === undefined ? {} : { cause }),
  });
}
