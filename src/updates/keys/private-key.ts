import { createPrivateKey } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { UserError } from '../../errors.js';

/**
 * Opens a key file, which proves the passphrase before any program runs. Throws UserError `passphrase-wrong`,
 * `key-invalid`, `key-file-unreadable`.
 */
export async function openPrivateKey(path: string, passphrase: string | undefined): Promise<KeyObject> {
  const key = await readFile(path).catch((cause: unknown) => {
    throw new UserError('key-file-unreadable', `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  });
  try {
    return createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    if (key.includes('ENCRYPTED')) {
      throw new UserError('passphrase-wrong', `The passphrase does not open ${path}`, {
        hints: ['Try again; there is no way around a lost passphrase.'],
        cause,
      });
    }
    throw new UserError('key-invalid', `${path} holds a damaged private key`, {
      hints: ['Copy the file again from where it was made.'],
      cause,
    });
  }
}

/** Throws UserError `key-mismatch`. */
export function requirePair(key: KeyObject, certificate: X509Certificate, keyPath: string, what: string): void {
  if (certificate.checkPrivateKey(key)) return;
  throw new UserError('key-mismatch', `${keyPath} is not the private key of ${what}`, {
    hints: ['Put the key and the certificate of one pair beside each other.'],
  });
}
