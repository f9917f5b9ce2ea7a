import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Host } from '../../host/host.js';
import { findBootRecord } from '../../images/boot-records.js';
import { imageDigest } from '../../images/image-digest.js';
import { withRawImage } from '../../images/raw-image.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { stageReporter } from '../../pipeline/reporter.js';
import { Store } from '../../pipeline/store.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { requireTrusted } from '../keys/check-keyring.js';
import type { UsableSigner } from '../keys/choose-signer.js';
import type { KeyFolder } from '../keys/key-folder.js';
import { openSigner } from '../keys/open-signer.js';
import { readImageSlots } from './image-slots.js';
import { packBundle, payloadDigest, writeContent } from './pack-bundle.js';

export type BundleOptions = {
  readonly image: string;
  readonly output: string;
  readonly keys: KeyFolder;
  readonly signer: UsableSigner;
  /** Passphrase or PIN. */
  readonly secret: string | undefined;
  readonly tokenFolder: string | undefined;
  /** Instead of the image's own. */
  readonly version: string | undefined;
  /** Times of all files in the bundle; seconds since 1970. */
  readonly epoch: number;
};

export type MadeBundle = {
  readonly bundle: string;
  readonly compatible: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of the content; the same image gives the same, whatever the signature. */
  readonly payloadSha256: string;
  /** The image passed `boot --check`, as far as this machine knows. */
  readonly isChecked: boolean;
};

const STAGE = 'bundle';

/**
 * Makes a bundle of the slot A of an image. Throws what readImageSlots, openSigner, requireTrusted and packBundle throw,
 * and UserError `bundle-version-missing`, `bundle-version-invalid`.
 */
export async function makeBundle(
  options: BundleOptions,
  tools: ToolsTree,
  host: Host,
  reporter: Reporter,
): Promise<MadeBundle> {
  const { image: path, output, keys, secret, tokenFolder } = options;
  const report = stageReporter(reporter, STAGE);
  reporter.emit({ type: 'stage-started', stage: STAGE });
  const started = performance.now();
  const signer = await openSigner(keys, options.signer, { secret, tokenFolder }, tools, host);
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const made = await withRawImage(path, host, async (image) => {
    const slots = await readImageSlots(image);
    const version = requireVersion(options.version ?? slots.version, path);
    await requireTrusted(options.signer, slots.keyring, `The keyring in ${path}`, tools, host);
    const digest = await imageDigest(image.path, host);
    const record = digest === undefined ? undefined : await findBootRecord(digest, host);
    return store.withScratch(async (scratch) => {
      const content = join(scratch, 'content');
      report.step('reading the partitions of slot A');
      await writeContent(image, slots, version, content);
      report.step('packing and signing');
      const packing = { signer, epoch: options.epoch, jobs: host.facts.cpus };
      const facts = await placed(await packBundle(content, output, packing, tools, host), host);
      return { bundle: output, compatible: slots.compatible, version, ...facts, isChecked: record?.passed === true };
    });
  });
  const durationMs = performance.now() - started;
  reporter.emit({ type: 'stage-finished', stage: STAGE, cached: false, durationMs, key: made.payloadSha256 });
  return made;
}

/** Measures a bundle and moves it to its place; where that fails nothing is left. */
async function placed({ temporary, place }: { temporary: string; place: string }, host: Host) {
  try {
    const payload = await payloadDigest(temporary);
    const sha256 = await fileSha256(temporary, host.signal);
    const { size } = await stat(temporary);
    await rename(temporary, place);
    return { sizeBytes: size, sha256, payloadSha256: payload.sha256 };
  } finally {
    await rm(temporary, { force: true });
  }
}

/** As dpkg compares versions, which is what the device does. */
function requireVersion(version: string | undefined, image: string): string {
  if (version === undefined) {
    throw new UserError('bundle-version-missing', `${image} names no IMAGE_VERSION in its os-release`, {
      hints: ['Say it: --version 1.0.1'],
    });
  }
  if (/^\d[A-Za-z0-9.+~-]*$/.test(version)) return version;
  throw new UserError('bundle-version-invalid', `"${version}" cannot be a version`, {
    hints: ['It begins with a digit; letters, digits and . + ~ - follow: 1.0.1, 2026.11.28-1'],
  });
}
