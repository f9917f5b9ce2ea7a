import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { IntegrityError, UserError } from '../../errors.js';
import { parseChecksums } from '../../formats/checksum-list.js';
import { openStatement } from '../../formats/signing/dsse.js';
import type { MinisignSignature, PublicKey } from '../../formats/signing/minisign.js';
import { isValid, parsePublicKey, parseSignature, prehash, shownId } from '../../formats/signing/minisign.js';
import { fileSha256 } from '../../host/file-digest.js';
import { pathExists } from '../../host/path-exists.js';
import { MiB } from '../../model/bytes.js';

/** What a release's files are called, after the image's name or alone. */
export const SIGNATURE_SUFFIX = '.minisig';
export const STATEMENT_SUFFIX = '.intoto.json';
const SUMS = 'SHA256SUMS';

/** Old signatures are of the bytes themselves, all of them at once. */
const MOST_LEGACY_BYTES = 512 * MiB;

/** Digest of the bytes that were found signed: what is read later must be these. */
export type SignedDigest = { readonly sha256: string; readonly from: string };

/**
 * Finds that the key has signed the image file, and that nothing of its release beside it was changed: IMAGE.minisig,
 * SHA256SUMS with its signature, and the provenance. The whole file is read.
 *
 * Throws UserError `signing-key-unreadable`, IntegrityError `signature-missing`, `signature-malformed`,
 * `signature-of-other-key`, `signature-expired`, `signature-wrong`, `release-changed`.
 *
 * Nothing of the image is interpreted before: its bytes are nobody's until the key has signed them.
 *
 * @param keyPath of a public key of minisign, or an Ed25519 key in PEM
 * @param now for what expires
 */
export async function requireSigned(image: string, keyPath: string, now = new Date()): Promise<SignedDigest> {
  const key = await readPublicKey(keyPath);
  const status = await stat(image).catch((cause: unknown) => {
    throw new UserError('image-not-found', `There is no image at ${image}`, { cause });
  });
  const from = `${image}${SIGNATURE_SUFFIX}`;
  const signature = await readSignature(from, key, keyPath, now);
  const sha = createHash('sha256');
  const hash = prehash();
  const whole: Uint8Array[] = [];
  if (!signature.isPrehashed && status.size > MOST_LEGACY_BYTES) {
    throw new IntegrityError(
      'signature-malformed',
      `${from} is of an old kind, for files up to ${MOST_LEGACY_BYTES} bytes`,
      {
        hints: ['Sign the image again with a newer minisign, or with `reswarm-os release`.'],
      },
    );
  }
  for await (const bytes of createReadStream(image) as AsyncIterable<Buffer>) {
    sha.update(bytes);
    if (signature.isPrehashed) hash.update(bytes);
    else whole.push(bytes);
  }
  const message = signature.isPrehashed ? hash.digest() : Buffer.concat(whole);
  if (!isValid(signature, message, key)) throw wrong(image, from);
  const digest = sha.digest('hex');
  await checkRelease(image, digest, key, keyPath, now);
  return { sha256: digest, from };
}

async function readPublicKey(path: string): Promise<PublicKey> {
  const text = await readFile(resolve(path), 'utf8').catch(() => '');
  const key = parsePublicKey(text);
  if (key !== undefined) return key;
  throw new UserError('signing-key-unreadable', `${path} is no public key of minisign and no Ed25519 key in PEM`, {
    hints: ['`reswarm-os release` puts release.pub beside the image; minisign -G makes minisign.pub.'],
  });
}

async function readSignature(path: string, key: PublicKey, keyPath: string, now: Date): Promise<MinisignSignature> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new IntegrityError('signature-missing', `There is no signature ${path}`, {
      hints: ['Take the whole folder of the release, not the image alone.'],
    });
  }
  const signature = parseSignature(text);
  if (signature === undefined) {
    throw new IntegrityError('signature-malformed', `${path} is no signature of minisign`, {
      hints: ['Fetch it again: it may have been cut, or a server may have sent a page instead.'],
    });
  }
  if (!signature.keyId.equals(key.id)) {
    throw new IntegrityError(
      'signature-of-other-key',
      `${path} was made with the key ${shownId(signature.keyId)}, and ${keyPath} is ${shownId(key.id)}`,
      { hints: ['Ask the publisher which key is the right one, over another way than the one the image came.'] },
    );
  }
  const expires = /(?:^|\t| )expires:(?<at>\S+)/.exec(signature.trustedComment)?.groups?.['at'];
  if (expires !== undefined && !(new Date(expires) > now)) {
    throw new IntegrityError('signature-expired', `${path} was good until ${expires}`, {
      hints: ['Get a newer release, or one that was signed again. If this date is not yet over, set the clock.'],
    });
  }
  return signature;
}

/** Everything of the release that is beside the image. An image with its own signature alone is signed too. */
async function checkRelease(image: string, digest: string, key: PublicKey, keyPath: string, now: Date): Promise<void> {
  const folder = dirname(image);
  const sumsPath = join(folder, SUMS);
  if (await pathExists(`${sumsPath}${SIGNATURE_SUFFIX}`)) {
    const signature = await readSignature(`${sumsPath}${SIGNATURE_SUFFIX}`, key, keyPath, now);
    const sums = await readFile(sumsPath).catch(() => Buffer.alloc(0));
    const message = signature.isPrehashed ? prehash().update(sums).digest() : sums;
    if (!isValid(signature, message, key)) throw wrong(sumsPath, `${sumsPath}${SIGNATURE_SUFFIX}`);
    for (const { name = '', hex } of parseChecksums(sums.toString('utf8'))) {
      const path = join(folder, basename(name));
      const found = path === image ? digest : await fileSha256(path).catch(() => undefined);
      // A part that was not fetched was not changed.
      if (found !== undefined && found !== hex) throw changed(path);
    }
  }
  const statementPath = `${image}${STATEMENT_SUFFIX}`;
  const text = await readFile(statementPath, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const subjects = subjectsOf(text, key);
  if (subjects?.includes(digest) !== true) throw changed(statementPath);
}

function subjectsOf(text: string, key: PublicKey): readonly string[] | undefined {
  try {
    const statement = openStatement(JSON.parse(text), key) as
      { readonly subject?: readonly { readonly digest?: { readonly sha256?: string } }[] } | undefined;
    return statement?.subject?.flatMap((one) => one.digest?.sha256 ?? []);
  } catch {
    return undefined;
  }
}

function wrong(name: string, signature: string): IntegrityError {
  return new IntegrityError(
    'signature-wrong',
    `${signature} is no good signature of ${name}: one of them was changed`,
    {
      hints: ['Fetch both again, and do not use them if it stays like this.'],
    },
  );
}

function changed(path: string): IntegrityError {
  return new IntegrityError('release-changed', `${path} is not what the release signed`, {
    hints: ['Fetch the release again, and do not use it if it stays like this.'],
  });
}
