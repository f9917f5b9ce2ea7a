import type { KeyObject } from 'node:crypto';
import { createHash, createPublicKey } from 'node:crypto';
import { isSignedBy, publicBytes, publicKeyOf, signBytes } from './ed25519.js';

/** A public key with the id by which signatures name it. */
export type PublicKey = { readonly id: Buffer; readonly key: KeyObject };

/** A signature file of minisign. */
export type MinisignSignature = {
  readonly keyId: Buffer;
  /** Of the BLAKE2b-512 digest of the file; otherwise of the file itself, as old versions made them. */
  readonly isPrehashed: boolean;
  readonly signature: Buffer;
  /** Signed together with the signature. */
  readonly trustedComment: string;
  readonly globalSignature: Buffer;
};

const LEGACY = 'Ed';
const PREHASHED = 'ED';
const ID_BYTES = 8;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const TRUSTED = 'trusted comment: ';

/** The digest that a prehashed signature is of. */
export function prehash(): ReturnType<typeof createHash> {
  return createHash('blake2b512');
}

/** A minisign public key (the file, or its one line of base64), or an Ed25519 key in PEM. Undefined for anything else. */
export function parsePublicKey(text: string): PublicKey | undefined {
  if (text.includes('-----BEGIN')) return pemKey(text);
  const line = text
    .split('\n')
    .map((one) => one.trim())
    .find((one) => one !== '' && !one.startsWith('untrusted comment:'));
  const bytes = Buffer.from(line ?? '', 'base64');
  if (bytes.length !== 2 + ID_BYTES + KEY_BYTES || bytes.toString('latin1', 0, 2) !== LEGACY) return undefined;
  return { id: bytes.subarray(2, 2 + ID_BYTES), key: publicKeyOf(bytes.subarray(2 + ID_BYTES)) };
}

function pemKey(text: string): PublicKey | undefined {
  try {
    const key = createPublicKey(text);
    return key.asymmetricKeyType === 'ed25519' ? { id: keyIdOf(key), key } : undefined;
  } catch {
    return undefined;
  }
}

/** For a key that has no id of its own: minisign takes random ones. */
export function keyIdOf(key: KeyObject): Buffer {
  return createHash('sha256').update(publicBytes(key)).digest().subarray(0, ID_BYTES);
}

export function formatPublicKey({ id, key }: PublicKey): string {
  const bytes = Buffer.concat([Buffer.from(LEGACY), id, publicBytes(key)]);
  return `untrusted comment: minisign public key ${shownId(id)}\n${bytes.toString('base64')}\n`;
}

/** As minisign shows it: the other way round. */
export function shownId(id: Buffer): string {
  return Buffer.from(id).reverse().toString('hex').toUpperCase();
}

/** Undefined for what is no signature of minisign. */
export function parseSignature(text: string): MinisignSignature | undefined {
  const [, line = '', comment = '', global = ''] = text.split('\n').map((one) => one.replace(/\r$/, ''));
  const bytes = Buffer.from(line, 'base64');
  const algorithm = bytes.toString('latin1', 0, 2);
  const globalSignature = Buffer.from(global, 'base64');
  if (bytes.length !== 2 + ID_BYTES + SIGNATURE_BYTES || ![LEGACY, PREHASHED].includes(algorithm)) return undefined;
  if (!comment.startsWith(TRUSTED) || globalSignature.length !== SIGNATURE_BYTES) return undefined;
  return {
    keyId: bytes.subarray(2, 2 + ID_BYTES),
    isPrehashed: algorithm === PREHASHED,
    signature: bytes.subarray(2 + ID_BYTES),
    trustedComment: comment.slice(TRUSTED.length),
    globalSignature,
  };
}

/** @param message the file's BLAKE2b-512 digest for a prehashed signature, the file for another one */
export function isValid(signature: MinisignSignature, message: Uint8Array, { key }: PublicKey): boolean {
  const comment = Buffer.from(signature.trustedComment);
  return (
    isSignedBy(key, message, signature.signature) &&
    isSignedBy(key, Buffer.concat([signature.signature, comment]), signature.globalSignature)
  );
}

/** A signature file. @param digest BLAKE2b-512 of the signed file */
export function makeSignature(
  { id, key }: { readonly id: Buffer; readonly key: KeyObject },
  digest: Uint8Array,
  trustedComment: string,
): string {
  const signature = signBytes(key, digest);
  const global = signBytes(key, Buffer.concat([signature, Buffer.from(trustedComment)]));
  const bytes = Buffer.concat([Buffer.from(PREHASHED), id, signature]);
  return [
    'untrusted comment: signature from reswarm-os',
    bytes.toString('base64'),
    `${TRUSTED}${trustedComment}`,
    global.toString('base64'),
    '',
  ].join('\n');
}
