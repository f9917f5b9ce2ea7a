import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../errors.js';
import { positionFinder, type YamlSource } from '../../config/yaml-source.js';
import { brokenHashes, clearTextPasswords, type ClearText } from './clear-text-passwords.js';
import { asMapping, readSeedYaml } from '../yaml/cloud-init-yaml.js';
import { isBrokenHash, isCryptHash } from './crypt-hash.js';
import type { Findings } from '../text/findings.js';
import { accountsOf } from '../login/accounts.js';
import type { SeedFile } from '../text/seed.js';
import { applyEdits, type TextEdit } from '../yaml/text-edit.js';
import { userDataKind } from '../text/user-data-header.js';

/** Turns a password into what /etc/shadow holds. */
export type PasswordHash = (password: string, salt: string) => string;

/**
 * Clear-text passwords of a cloud-config (`seed-clear-text-password`, a warning: they are hashed), and hashes that
 * are none (`seed-password-not-a-hash`, a problem: nobody could log in). Values are never part of a message.
 */
export function passwordFindings(source: YamlSource): Findings {
  const position = positionFinder(source.text);
  const clear = clearTextPasswords(source).filter(({ password }) => !looksLikeHash(password));
  const warnings = clear.map(({ name, start }): Problem => ({
    code: 'seed-clear-text-password',
    message: `${name} is a password in clear text; its hash is written instead`,
    hint: 'Better write the hash yourself, made with: openssl passwd -6',
    file: source.file,
    ...position(start),
  }));
  const problems = brokenHashes(source).map(({ key, value }): Problem => ({
    code: 'seed-password-not-a-hash',
    message: `"${key.text}" must hold a hash, and this is none: nobody could log in with it`,
    hint: 'Make one with: openssl passwd -6   (or write "plain_text_passwd", which is hashed by the build).',
    file: source.file,
    ...position(value.start),
  }));
  return { problems: [...problems, ...unreachable(source)], warnings };
}

function looksLikeHash(text: string): boolean {
  return isCryptHash(text) || isBrokenHash(text);
}

/** Hashes that this key of cloud-init takes for passwords, and passwords that cannot be replaced where they stand. */
function unreachable(source: YamlSource): Problem[] {
  return clearTextPasswords(source).flatMap(({ name, start, password, edits }): Problem[] => {
    const isHash = looksLikeHash(password);
    if (edits !== undefined && !isHash) return [];
    const message = isHash
      ? `${name} is a hash where cloud-init expects a password in clear text: it would be hashed once more`
      : `${name} is written in a way that cannot be turned into a hash`;
    const hint =
      'Write it as "chpasswd: {users: [{name: …, type: hash, password: …}]}", or as "hashed_passwd" of the user.';
    return [{ code: 'seed-password-form', message, hint, file: source.file, ...positionFinder(source.text)(start) }];
  });
}

/**
 * Replaces each clear-text password of a cloud-config by its hash, and leaves every other byte of the text as it is.
 * A text without any, or one that is no valid YAML, comes back unchanged. Only for a text without `passwordFindings` problems.
 *
 * @param context what the salt is derived from besides the text: the meta-data
 */
export function hashClearTextPasswords(file: SeedFile, context: string, hash: PasswordHash): SeedFile {
  if (userDataKind(file) !== 'cloud-config') return file;
  const found = clearTextPasswords(readSeedYaml(file));
  if (found.length === 0) return file;
  const nothing = found.flatMap((clear) => editsOf(clear, ''));
  const publicText = applyEdits(file.text, nothing);
  const edits = found.flatMap((clear, index) => {
    return editsOf(clear, hash(clear.password, derivedSalt([publicText, context, index.toString()])));
  });
  const hashed = { ...file, text: applyEdits(file.text, edits) };
  verifyHashed(file, hashed);
  return hashed;
}

/** @throws Error (a bug) where a password in clear text is left, or somebody's login is another than before */
function verifyHashed(before: SeedFile, after: SeedFile): void {
  const logins = (file: SeedFile): unknown =>
    accountsOf(asMapping(readSeedYaml(file).value) ?? {}).map(({ name, keys, password }) => ({ name, keys, password }));
  const isLeft = clearTextPasswords(readSeedYaml(after)).length > 0;
  if (isLeft) throw new Error('a password in clear text is left after all were hashed');
  if (!isDeepStrictEqual(logins(after), logins(before))) throw new Error('hashing a password changed who can log in');
}

function editsOf(clear: ClearText, hash: string): readonly TextEdit[] {
  return clear.edits?.(hash) ?? [];
}

/**
 * Sixteen characters of crypt's alphabet. The same seed must give the same bytes, so the salt is derived; never from
 * the password, though: a fast digest of it beside the slow hash would let anybody guess at the speed of the former.
 * docs/decisions/salt-of-hashed-passwords.md
 */
export function derivedSalt(parts: readonly string[]): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(['reswarm-os password salt', ...parts]))
    .digest();
  return Array.from(digest.subarray(0, 16), (byte) => CRYPT_ALPHABET.charAt(byte % 64)).join('');
}

const CRYPT_ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
