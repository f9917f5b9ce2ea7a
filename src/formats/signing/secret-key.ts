import type { KeyObject } from 'node:crypto';
import { createPrivateKey, scryptSync } from 'node:crypto';
import { keyIdOf } from './minisign.js';
import { privateKeyOf, publicBytes } from './ed25519.js';

/** A key that signs, with the id of its public half. */
export type SecretKey = { readonly id: Buffer; readonly key: KeyObject };

/** Why a text is no key that can be used. */
export type KeyFault = 'not-a-key' | 'password-needed' | 'password-wrong';

/** Sizes in a secret key file of minisign: algorithms, salt, limits, then id, key pair and checksum. */
const HEAD_BYTES = 6;
const SALT_BYTES = 32;
const PAIR_AT = HEAD_BYTES + SALT_BYTES + 16;
const ID_BYTES = 8;
const SEED_BYTES = 32;
const SECRET_BYTES = ID_BYTES + 64 + 32;
const SCRYPT = 'Sc';

/**
 * A secret key of minisign, with or without a password, or an Ed25519 private key in PEM (PKCS #8).
 * @param password undefined: none is known
 */
export function parseSecretKey(text: string, password: string | undefined): SecretKey | KeyFault {
  if (text.includes('-----BEGIN')) return pemKey(text, password);
  const line = text.split('\n').find((one) => one.trim() !== '' && !one.startsWith('untrusted comment:'));
  const bytes = Buffer.from(line ?? '', 'base64');
  if (bytes.length !== PAIR_AT + SECRET_BYTES || bytes.toString('latin1', 0, 2) !== 'Ed') return 'not-a-key';
  const secret = Buffer.from(bytes.subarray(PAIR_AT));
  if (bytes.toString('latin1', 2, 4) === SCRYPT) {
    if (password === undefined) return 'password-needed';
    const stream = keyStream(bytes, password);
    for (let at = 0; at < secret.length; at += 1) secret[at] = (secret[at] ?? 0) ^ (stream[at] ?? 0);
  }
  const seed = secret.subarray(ID_BYTES, ID_BYTES + SEED_BYTES);
  const key = privateKeyOf(seed);
  // The public half is in the file too: with a wrong password it is another one's.
  const own = secret.subarray(ID_BYTES + SEED_BYTES, ID_BYTES + 2 * SEED_BYTES);
  if (!publicBytes(key).equals(own)) return 'password-wrong';
  return { id: Buffer.from(secret.subarray(0, ID_BYTES)), key };
}

function pemKey(text: string, password: string | undefined): SecretKey | KeyFault {
  try {
    const key = createPrivateKey(password === undefined ? text : { key: text, passphrase: password });
    return key.asymmetricKeyType === 'ed25519' ? { id: keyIdOf(key), key } : 'not-a-key';
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE') return 'password-needed';
    return /bad decrypt/i.test(message) ? 'password-wrong' : 'not-a-key';
  }
}

/** scrypt with the limits of the file, turned into its parameters as libsodium does. */
function keyStream(bytes: Buffer, password: string): Buffer {
  const salt = bytes.subarray(HEAD_BYTES, HEAD_BYTES + SALT_BYTES);
  const operations = Math.max(Number(bytes.readBigUInt64LE(HEAD_BYTES + SALT_BYTES)), 32_768);
  const memory = Number(bytes.readBigUInt64LE(HEAD_BYTES + SALT_BYTES + 8));
  const r = 8;
  const isFewOperations = operations < memory / 32;
  const most = isFewOperations ? operations / (r * 4) : memory / (r * 128);
  let log = 1;
  while (log < 63 && 2 ** log <= most / 2) log += 1;
  const p = isFewOperations ? 1 : Math.floor(Math.min(operations / 4 / 2 ** log, 0x3fffffff) / r);
  return scryptSync(password, salt, SECRET_BYTES, { N: 2 ** log, r, p, maxmem: 2 * 128 * r * 2 ** log });
}
