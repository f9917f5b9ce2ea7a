import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import type { ListedDigest } from '../formats/checksum-list.js';
import { parseChecksums } from '../formats/checksum-list.js';
import { suffixOf, type Compression } from '../formats/compression.js';
import { CommandError, IntegrityError, ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { DiskImage } from '../images/disk-image.js';
import type { ImageSource } from '../images/image-source.js';
import type { ExpectedDigest } from './image-digests.js';

/** Endings of files that hold the digest of one other file, and lists of a whole folder. */
const OWN_SUFFIXES = ['sha256', 'sha256sum', 'sha512', 'sha512sum', 'sha384', 'sha1', 'sha1sum', 'md5', 'md5sum'];
const FOLDER_LISTS = ['SHA256SUMS', 'SHA512SUMS', 'SHA384SUMS', 'SHA1SUMS', 'MD5SUMS', 'sha256sums', 'sha512sums'];

/** Of a server one asks for what is usual only. */
const WEB_SUFFIXES = ['sha256', 'sha256sum', 'sha512'];
const WEB_LISTS = ['SHA256SUMS', 'SHA512SUMS', 'sha256sums'];

/**
 * Every digest that the image is held to: the one given, and what the files beside it say (`IMAGE.sha256`, SHA256SUMS
 * and their like), of the file and of the image in it. Throws UserError `sha256-invalid`, and what RemoteFile throws.
 *
 * @param given as it was typed
 */
export async function expectedDigests(
  source: ImageSource,
  compression: Compression,
  given: string | undefined,
): Promise<readonly ExpectedDigest[]> {
  const { kind, path: image } = source;
  const ofUser = given === undefined ? [] : [givenDigest(given)];
  if (kind === 'standard-input') return ofUser;
  const suffix = suffixOf(compression);
  const unpacked = suffix !== '' && image.endsWith(suffix) ? image.slice(0, -suffix.length) : undefined;
  const subjects: readonly Subject[] = [
    { path: image, of: 'file' },
    ...(unpacked === undefined ? [] : [{ path: unpacked, of: 'image' as const }]),
  ];
  const [suffixes, lists] = kind === 'url' ? [WEB_SUFFIXES, WEB_LISTS] : [OWN_SUFFIXES, FOLDER_LISTS];
  const own = subjects.flatMap((subject) =>
    suffixes.map((end) => ownDigests(`${subject.path}.${end}`, subject, subjects, source)),
  );
  const listed = lists.map(async (name) => {
    const from = join(dirname(image), name);
    const digests = (await readSums(from, source)) ?? [];
    return subjects.flatMap((subject) => digestsOf(subject, digests, source.show(from)));
  });
  return [...ofUser, ...(await Promise.all([...own, ...listed])).flat()];
}

type Subject = { readonly path: string; readonly of: 'file' | 'image' };

function givenDigest(given: string): ExpectedDigest {
  const hex = given.replace(/^sha256:/i, '');
  if (/^[0-9a-f]{64}$/i.test(hex)) return { type: 'sha256', hex: hex.toLowerCase(), of: 'either', from: '--sha256' };
  throw new UserError('sha256-invalid', `"${given}" is not a sha256`, {
    hints: ['It has 64 digits, 0-9 and a-f.'],
  });
}

/** A digest alone is that of the file whose name it has; names may be those of the file and of the image in it. */
async function ownDigests(
  path: string,
  subject: Subject,
  subjects: readonly Subject[],
  source: ImageSource,
): Promise<readonly ExpectedDigest[]> {
  const listed = await readSums(path, source);
  if (listed === undefined) return [];
  const from = source.show(path);
  const alone = listed
    .filter(({ name }) => name === undefined)
    .map(({ type, hex }): ExpectedDigest => ({ type, hex, of: subject.of, from }));
  const digests = [...alone, ...subjects.flatMap((one) => digestsOf(one, listed, from))];
  if (digests.length > 0) return digests;
  // A server may answer with a sentence where it has no such file.
  if (source.kind === 'url' && listed.length === 0) return [];
  throw new UserError('sha256-invalid', `${from} holds no digest of ${basename(subject.path)}`, {
    hints: ['It is what `sha256sum` prints, or the digest alone. Remove it if it is for something else.'],
  });
}

function digestsOf({ path, of }: Subject, listed: readonly ListedDigest[], from: string): readonly ExpectedDigest[] {
  return listed
    .filter(({ name }) => name !== undefined && basename(name) === basename(path))
    .map(({ type, hex }) => ({ type, hex, of, from }));
}

/** undefined where there is no such file. */
async function readSums(path: string, source: ImageSource): Promise<readonly ListedDigest[] | undefined> {
  try {
    const text = await source.readText(path);
    return text === undefined ? undefined : parseChecksums(text);
  } catch (error) {
    if (error instanceof ReswarmError) throw error;
    throw new UserError('sha256-invalid', `${source.show(path)} cannot be read`, { cause: error });
  }
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
    return { type: 'sha256', hex: hash.digest('hex'), of: 'file', from: signature };
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
