import { readFile, stat } from 'node:fs/promises';
import { UserError } from '../../errors.js';
import type { SecretKey } from '../../formats/signing/secret-key.js';
import { parseSecretKey } from '../../formats/signing/secret-key.js';

/**
 * Reads a key that signs. Throws UserError `signing-key-unreadable`, `signing-key-exposed`, `signing-key-password`.
 *
 * @param askPassword is called for a key that has one
 */
export async function readSecretKey(path: string, askPassword: () => Promise<string>): Promise<SecretKey> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (((await stat(path)).mode & 0o077) !== 0) {
    throw new UserError('signing-key-exposed', `Others may read the secret key ${path}`, {
      hints: [`Give it to yourself alone: chmod 600 ${path}`],
    });
  }
  const first = parseSecretKey(text, undefined);
  const key = first === 'password-needed' ? parseSecretKey(text, await askPassword()) : first;
  if (key === 'not-a-key') throw unreadable(path);
  if (key === 'password-wrong' || key === 'password-needed') {
    throw new UserError('signing-key-password', `The password does not open the secret key ${path}`, {
      hints: ['Give the right one with --password-file FILE, or type it.'],
    });
  }
  return key;
}

function unreadable(path: string, cause?: unknown): UserError {
  return new UserError('signing-key-unreadable', `${path} is no secret key of minisign and no Ed25519 key in PEM`, {
    hints: ['Make one: minisign -G, or openssl genpkey -algorithm ed25519 -out release.key'],
    cause,
  });
}
