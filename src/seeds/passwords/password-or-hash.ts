import { UserError } from '../../errors.js';
import { isBrokenHash, isCryptHash } from './crypt-hash.js';

/**
 * What somebody gave as a password: a hash is written as it is, of all methods that the device knows; anything else is
 * hashed. Throws UserError `password-hash-broken` for a hash that is cut off. No message shows the text.
 */
export function passwordOrHash(secret: string): { readonly passwordHash: string } | { readonly password: string } {
  if (isCryptHash(secret)) return { passwordHash: secret };
  if (isBrokenHash(secret)) {
    throw new UserError('password-hash-broken', 'The password looks like a hash that is cut off or mistyped', {
      hints: ['Nobody could log in with it. Copy the whole hash, or make one with: openssl passwd -6'],
    });
  }
  return { password: secret };
}
