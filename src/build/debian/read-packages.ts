import { readFile } from 'node:fs/promises';
import type { Problem } from '../../errors.js';
import { missingPackageFile } from '../../config/packages/package-statements.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { PackageFile, PinnedPackageFile, PinnedRepository, Repository } from '../../model/packages.js';
import { sha256 } from '../../model/sha256.js';

const ARMORED = '-----BEGIN PGP PUBLIC KEY BLOCK-----';
const SECRET = '-----BEGIN PGP PRIVATE KEY BLOCK-----';
/** Bit 7 marks a packet; the tag of a public key is 6, of a secret one 5 (RFC 9580, 4.2 and 5). */
const tagOf = (first: number): number => (first & 0x40 ? first & 0x3f : (first >> 2) & 0x0f);
const [PUBLIC_TAG, SECRET_TAG] = [6, 5];

/** What an image asks for beside Debian's own archive, with the bytes known. */
export type PinnedWishes = {
  readonly packageFiles: readonly PinnedPackageFile[];
  readonly repositories: readonly PinnedRepository[];
};

/**
 * Reads package files and keys of repositories. Codes: `package-file-not-found`, `digest-mismatch`,
 * `repository-key-invalid`.
 */
export async function pinPackages(
  files: readonly PackageFile[],
  repositories: readonly Repository[],
): Promise<{ readonly wishes: PinnedWishes; readonly problems: readonly Problem[] }> {
  const pinned = await Promise.all(files.map(pinFile));
  const keyed = await Promise.all(repositories.map(readKey));
  return {
    wishes: {
      packageFiles: pinned.flatMap(({ file }) => file ?? []),
      repositories: keyed.flatMap(({ repository }) => repository ?? []),
    },
    problems: [...pinned, ...keyed].flatMap(({ problems }) => problems),
  };
}

async function pinFile(file: PackageFile): Promise<{ file?: PinnedPackageFile; problems: readonly Problem[] }> {
  const missing = await missingPackageFile(file.path, file.at);
  if (missing.length > 0) return { problems: missing };
  const found = await fileSha256(file.path);
  if (file.sha256 === undefined || file.sha256 === found) return { file: { ...file, sha256: found }, problems: [] };
  const message = `${file.path} has the sha256 ${found}, not ${file.sha256}`;
  const hint = 'Look why it changed; then correct sha256, or leave it out.';
  return { problems: [{ code: 'digest-mismatch', message, hint, ...file.at }] };
}

async function readKey(one: Repository): Promise<{ repository?: PinnedRepository; problems: readonly Problem[] }> {
  const bytes = await readFile(one.key);
  const text = bytes.toString('latin1');
  const isSecret =
    text.includes(SECRET) || (bytes[0] !== undefined && bytes[0] >= 0x80 && tagOf(bytes[0]) === SECRET_TAG);
  const isArmored = text.trimStart().startsWith(ARMORED);
  const isBinary = bytes[0] !== undefined && bytes[0] >= 0x80 && tagOf(bytes[0]) === PUBLIC_TAG;
  if (!isSecret && (isArmored || isBinary)) {
    return { repository: { ...one, keySha256: sha256(bytes), keyFormat: isArmored ? 'asc' : 'gpg' }, problems: [] };
  }
  const message = isSecret
    ? `${one.key} is a secret key, and a device must not get that`
    : `${one.key} is no public key of OpenPGP`;
  const hint = isSecret
    ? 'Export the public one: gpg --armor --export KEY.'
    : 'It begins with "-----BEGIN PGP PUBLIC KEY BLOCK-----", or is what gpg --export writes.';
  return { problems: [{ code: 'repository-key-invalid', message, hint, ...one.at }] };
}
