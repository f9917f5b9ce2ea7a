import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { IntegrityError, UserError } from '../../errors.js';
import { signStatement } from '../../formats/signing/dsse.js';
import { publicKeyOf, publicBytes, signBytes } from '../../formats/signing/ed25519.js';
import { formatPublicKey, makeSignature, prehash } from '../../formats/signing/minisign.js';
import type { SecretKey } from '../../formats/signing/secret-key.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Host } from '../../host/host.js';
import type { ImageDescription } from '../../images/image-description.js';
import { descriptionPath, readDescription } from '../../images/image-file.js';
import { SIGNATURE_SUFFIX, STATEMENT_SUFFIX } from '../../images/signed/require-signed.js';
import type { Creator } from '../sbom/component.js';
import { cyclonedxDocument } from '../sbom/cyclonedx.js';
import { makeSbom } from '../sbom/make-sbom.js';
import { spdxDocument } from '../sbom/spdx.js';
import type { Subject } from './provenance.js';
import { provenance } from './provenance.js';

export type ReleaseOptions = {
  readonly image: string;
  /** Folder to make; absolute. Must not be there, or be empty. */
  readonly output: string;
  readonly lock?: string | undefined;
  /** ISO 8601: signatures are not taken after it. */
  readonly expires?: string | undefined;
  readonly creator?: Creator | undefined;
  readonly builder: string;
  readonly toolVersion: string;
  /** Goes into signatures, seconds since 1970. */
  readonly timestamp: number;
};

export type Release = { readonly output: string; readonly files: readonly Subject[] };

/**
 * Puts an image and all that speaks of it into a folder: block map, packed images, description, SBOMs, lock, sums,
 * provenance, signatures, and the public key. The folder appears when all of it is there.
 *
 * Throws UserError `image-not-described`, `release-folder-not-empty`, `release-has-seed`, IntegrityError `image-changed`.
 */
export async function makeRelease(options: ReleaseOptions, key: SecretKey, host: Host): Promise<Release> {
  const { image, output } = options;
  const description = await describedImage(image);
  await requireEmpty(output);
  await mkdir(dirname(output), { recursive: true });
  const folder = await mkdtemp(join(dirname(output), `.${basename(output)}-`));
  try {
    const files = await fill(folder, description, options, key, host);
    await rm(output, { recursive: true, force: true });
    await rename(folder, output);
    return { output, files };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function describedImage(image: string): Promise<ImageDescription> {
  const description = await readDescription(image);
  if (description === undefined) {
    throw new UserError('image-not-described', `${image} has no description of a build beside it`, {
      hints: [`A release tells how its image was made: build it with reswarm-os, and keep ${descriptionPath(image)}.`],
    });
  }
  if (!description.hasOwnSeed) return description;
  throw new UserError('release-has-seed', `${image} carries the seed of one device: names, keys, password hashes`, {
    hints: ['Build the image without --user-data, --hostname and --ssh-key; give devices their seeds with flash.'],
  });
}

async function fill(
  folder: string,
  description: ImageDescription,
  options: ReleaseOptions,
  key: SecretKey,
  host: Host,
): Promise<readonly Subject[]> {
  const { image, lock, creator, toolVersion, builder } = options;
  const name = basename(image);
  const made: Subject[] = [];
  for (const file of description.files) {
    const target = join(folder, file.name);
    await copyFile(join(dirname(image), file.name), target);
    if ((await fileSha256(target)) !== file.sha256) {
      throw new IntegrityError('image-changed', `${file.name} is not what was built: somebody wrote to it since`, {
        hints: ['Build it again, and release it before anything is injected.'],
      });
    }
    made.push({ name: file.name, sha256: file.sha256 });
  }
  const add = async (file: string, content: string | Buffer): Promise<Subject> => {
    await writeFile(join(folder, file), content, { mode: 0o644 });
    const subject = { name: file, sha256: await fileSha256(join(folder, file)) };
    made.push(subject);
    return subject;
  };
  const { bill } = await makeSbom(image, creator, toolVersion, host);
  await add(basename(descriptionPath(image)), json(withoutTimes(description)));
  await add(`${name}.spdx.json`, json(spdxDocument(bill)));
  await add(`${name}.cdx.json`, json(cyclonedxDocument(bill)));
  const locked = lock === undefined ? undefined : await add(`${name}.lock.json`, await readFile(lock));
  const statement = provenance(description, made.slice(), locked, builder);
  await add(`${name}${STATEMENT_SUFFIX}`, json(signStatement(statement, key)));
  const sums = [...made].toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((one) => `${one.sha256}  ${one.name}\n`);
  await writeFile(join(folder, 'SHA256SUMS'), sums.join(''), { mode: 0o644 });
  await sign(folder, ['SHA256SUMS', ...description.files.map((file) => file.name)], options, key);
  return made;
}

/** How long a build took is not part of what is published. */
function withoutTimes(description: ImageDescription): ImageDescription {
  return { ...description, build: { fileTimes: {}, stages: [] } };
}

async function sign(folder: string, names: readonly string[], options: ReleaseOptions, key: SecretKey): Promise<void> {
  const { timestamp, expires } = options;
  for (const name of names) {
    const digest = prehash();
    for await (const bytes of createReadStream(join(folder, name))) digest.update(bytes as Buffer);
    const words = [
      `timestamp:${timestamp}`,
      `file:${name}`,
      ...(expires === undefined ? [] : [`expires:${expires}`]),
      'hashed',
    ];
    await writeFile(join(folder, `${name}${SIGNATURE_SUFFIX}`), makeSignature(key, digest.digest(), words.join('\t')));
  }
  // For cosign and openssl: Ed25519 over the list itself.
  const sums = await readFile(join(folder, 'SHA256SUMS'));
  await writeFile(join(folder, 'SHA256SUMS.sig'), `${signBytes(key.key, sums).toString('base64')}\n`);
  const publicKey = publicKeyOf(publicBytes(key.key));
  await writeFile(join(folder, 'release.pub'), formatPublicKey({ id: key.id, key: publicKey }));
  await writeFile(join(folder, 'release.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
}

async function requireEmpty(folder: string): Promise<void> {
  const status = await stat(folder).catch(() => undefined);
  if (status === undefined || (status.isDirectory() && (await readdir(folder)).length === 0)) return;
  throw new UserError('release-folder-not-empty', `${folder} is there and is not an empty folder`, {
    hints: ['A release is a folder of its own: name another one with --output.'],
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
