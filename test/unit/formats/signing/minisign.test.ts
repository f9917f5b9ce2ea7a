import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openStatement, signStatement } from '../../../../src/formats/signing/dsse.js';
import {
  formatPublicKey,
  isValid,
  makeSignature,
  parsePublicKey,
  parseSignature,
  prehash,
} from '../../../../src/formats/signing/minisign.js';
import { parseSecretKey } from '../../../../src/formats/signing/secret-key.js';

const FIXTURES = join(import.meta.dirname, '../../../fixtures/minisign');
const text = (name: string): Promise<string> => readFile(join(FIXTURES, name), 'utf8');
const digest = (bytes: Uint8Array): Buffer => prehash().update(bytes).digest();

async function realKey() {
  const key = parsePublicKey(await text('minisign.pub'));
  if (key === undefined) throw new TypeError('the fixture is a key');
  return key;
}

function signatureOf(content: string) {
  const signature = parseSignature(content);
  if (signature === undefined) throw new TypeError('this is a signature');
  return signature;
}

describe("minisign's files", () => {
  it('takes its signatures, of both kinds, and no changed byte', async () => {
    const [key, image] = [await realKey(), await readFile(join(FIXTURES, 'small.img'))];
    const [hashed, legacy] = [signatureOf(await text('hashed.minisig')), signatureOf(await text('legacy.minisig'))];
    expect([hashed.isPrehashed, legacy.isPrehashed]).toEqual([true, false]);
    expect(isValid(hashed, digest(image), key)).toBe(true);
    expect(isValid(legacy, image, key)).toBe(true);
    image[3] = (image[3] ?? 0) ^ 1;
    expect(isValid(hashed, digest(image), key)).toBe(false);
    expect(isValid(legacy, image, key)).toBe(false);
  });

  it('takes no changed trusted comment', async () => {
    const signature = signatureOf(await text('hashed.minisig'));
    const image = await readFile(join(FIXTURES, 'small.img'));
    expect(isValid({ ...signature, trustedComment: 'expires:2099-01-01' }, digest(image), await realKey())).toBe(false);
  });

  it('opens secret keys, and signs as the public half expects', async () => {
    const secret = parseSecretKey(await text('no-password.key'), undefined);
    if (typeof secret === 'string') throw new TypeError(secret);
    const made = signatureOf(makeSignature(secret, digest(Buffer.from('x')), 'file:x'));
    expect(isValid(made, digest(Buffer.from('x')), await realKey())).toBe(true);
    expect(made.keyId).toEqual((await realKey()).id);
  });

  // Its scrypt takes a gibibyte of memory and some seconds.
  it('asks for a password', { timeout: 300_000 }, async () => {
    const key = await text('with-password.key');
    expect(parseSecretKey(key, undefined)).toBe('password-needed');
    const secret = parseSecretKey(key, 'pw1');
    expect(typeof secret === 'string' ? secret : secret.id).toEqual(
      parsePublicKey(await text('with-password.pub'))?.id,
    );
  });

  it('takes keys in PEM and writes them as minisign does', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const secret = parseSecretKey(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), undefined);
    const known = parsePublicKey(publicKey.export({ format: 'pem', type: 'spki' }).toString());
    if (typeof secret === 'string' || known === undefined) throw new TypeError('both are keys');
    expect(secret.id).toEqual(known.id);
    expect(parsePublicKey(formatPublicKey(known))?.id).toEqual(known.id);
  });

  it.each(['', 'hello', 'untrusted comment: x\nAAAA\n'])('is no key and no signature: %j', (content) => {
    expect(parsePublicKey(content)).toBeUndefined();
    expect(parseSignature(content)).toBeUndefined();
    expect(parseSecretKey(content, undefined)).toBe('not-a-key');
  });
});

describe('statements', () => {
  it('opens with the key that signed, and with no other and no changed payload', async () => {
    const secret = parseSecretKey(await text('no-password.key'), undefined);
    if (typeof secret === 'string') throw new TypeError(secret);
    const envelope = signStatement({ subject: 'x' }, secret) as Record<string, unknown>;
    expect(openStatement(envelope, await realKey())).toEqual({ subject: 'x' });
    const other = parsePublicKey(await text('with-password.pub'));
    if (other === undefined) throw new TypeError('the fixture is a key');
    expect(openStatement(envelope, other)).toBeUndefined();
    const payload = Buffer.from('{"subject":"y"}').toString('base64');
    expect(openStatement({ ...envelope, payload }, await realKey())).toBeUndefined();
  });
});
