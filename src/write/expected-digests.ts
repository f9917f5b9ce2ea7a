import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { suffixOf, type Compression } from '../formats/compression.js';
import { CommandError, IntegrityError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { DiskImage } from '../images/disk-image.js';
import type { ExpectedDigest } from './image-digests.js';

/**
 * Every sha256 that the image is held to: the one given, `IMAGE.sha256` and `SHA256SUMS` beside it; a packed image also
 * to those of the image in it. Throws UserError `sha256-invalid`.
 *
 * @param given as a person typed it
 */
export async function expectedDigests(
  image: string,
  compression: Compression,
  given: string | undefined,
): Promise<readonly ExpectedDigest[]> {
  const digests: ExpectedDigest[] = [];
  if (given !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(given)) {
      throw new UserError('sha256-invalid', `"${given}" is not a sha256`, {
        hints: ['It has 64 digits, 0-9 and a-f.'],
      });
    }
    digests.push({ sha256: given.toLowerCase(), of: 'either', from: '--sha256' });
  }
  const suffix = suffixOf(compression);
  const unpacked = suffix !== '' && image.endsWith(suffix) ? image.slice(0, -suffix.length) : undefined;
  const sums = await readSums(join(dirname(image), 'SHA256SUMS'));
  for (const [path, of] of [
    [image, 'file'],
    [unpacked, 'image'],
  ] as const) {
    if (path === undefined) continue;
    const beside = await readSums(`${path}.sha256`);
    const own = beside?.find(({ name }) => name === undefined || name === basename(path));
    if (beside !== undefined && own === undefined) {
      throw new UserError('sha256-invalid', `${path}.sha256 holds no sha256 of ${basename(path)}`, {
        hints: ['It is what `sha256sum` prints, or the digest alone. Take it away if it is for something else.'],
      });
    }
    const listed = sums?.find(({ name }) => name === basename(path));
    if (own !== undefined) digests.push({ sha256: own.sha256, of, from: `${path}.sha256` });
    if (listed !== undefined) digests.push({ sha256: listed.sha256, of, from: join(dirname(path), 'SHA256SUMS') });
  }
  return digests;
}

async function readSums(
  path: string,
): Promise<readonly { readonly sha256: string; readonly name?: string }[] | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError('sha256-invalid', `${path} cannot be read`, { cause: error });
  });
  return text?.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]{64})(?: [ *](.+))?$/i.exec(line.trim());
    if (match?.[1] === undefined) return [];
    return [{ sha256: match[1].toLowerCase(), ...(match[2] === undefined ? {} : { name: basename(match[2]) }) }];
  });
}

/**
 * A detached OpenPGP signature of the image file, by a key of the keyring and no other one. Throws IntegrityError
 * `signature-wrong`, UserError `signature-unchecked`.
 *
 * @returns the digest of the very bytes that were signed: what is written later must be these, not what took their place
 */
export async function checkSignature(
  source: DiskImage,
  { signature, keyring }: { readonly signature: string; readonly keyring: string },
  host: Host,
): Promise<ExpectedDigest> {
  const image = source.name;
  const hash = createHash('sha256');
  const gpgv = {
    file: 'gpgv',
    args: ['--keyring', resolve(keyring), '--', resolve(signature), '-'],
    env: { GNUPGHOME: '/nonexistent' },
  };
  try {
    const signed = source.fileBytes((bytes) => {
      hash.update(bytes);
    });
    const said: Uint8Array[] = [];
    for await (const output of host.stream(gpgv, signed)) said.push(output);
    return { sha256: hash.digest('hex'), of: 'file', from: signature };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.code === 'command-not-found') {
      throw new UserError('signature-unchecked', 'The signature cannot be checked: this machine has no gpgv', {
        hints: ['Install it: apt install gpgv'],
        cause: error,
      });
    }
    throw new IntegrityError('signature-wrong', `${signature} is no good signature of ${image}`, {
      details: error.details,
      hints: ['The keyring must be a binary one: gpg --dearmor <key.asc >keyring.gpg'],
      cause: error,
    });
  }
}
