import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signStatement } from '../../../src/formats/signing/dsse.js';
import { makeSignature, prehash } from '../../../src/formats/signing/minisign.js';
import { parseSecretKey } from '../../../src/formats/signing/secret-key.js';
import { requireSigned } from '../../../src/images/signed/require-signed.js';
import { sha256 } from '../../../src/model/sha256.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures/minisign');
const KEY = join(FIXTURES, 'minisign.pub');
const IMAGE = 'x.img';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-signed-'));
  await writeFile(join(folder, IMAGE), Buffer.alloc(8192, 7));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function secretKey() {
  const key = parseSecretKey(await readFile(join(FIXTURES, 'no-password.key'), 'utf8'), undefined);
  if (typeof key === 'string') throw new TypeError(key);
  return key;
}

async function sign(name: string, comment = 'hashed'): Promise<void> {
  const digest = prehash()
    .update(await readFile(join(folder, name)))
    .digest();
  await writeFile(join(folder, `${name}.minisig`), makeSignature(await secretKey(), digest, comment));
}

/** A whole release. */
async function release(): Promise<void> {
  await writeFile(join(folder, `${IMAGE}.spdx.json`), '{}');
  const digest = sha256(await readFile(join(folder, IMAGE)));
  const statement = signStatement({ subject: [{ name: IMAGE, digest: { sha256: digest } }] }, await secretKey());
  await writeFile(join(folder, `${IMAGE}.intoto.json`), JSON.stringify(statement));
  await writeFile(join(folder, 'SHA256SUMS'), `${digest}  ${IMAGE}\n${sha256('{}')}  ${IMAGE}.spdx.json\n`);
  await sign('SHA256SUMS');
  await sign(IMAGE);
}

async function flip(name: string): Promise<void> {
  const bytes = await readFile(join(folder, name));
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(join(folder, name), bytes);
}

const check = (key = KEY) => requireSigned(join(folder, IMAGE), key);

describe('an image that must be signed', () => {
  it('passes with what the key signed, and says the digest of the bytes', async () => {
    await release();
    expect((await check()).sha256).toBe(sha256(Buffer.alloc(8192, 7)));
  });

  it("passes with minisign's own signature, of both kinds", async () => {
    for (const name of ['hashed', 'legacy']) {
      await copyFile(join(FIXTURES, 'small.img'), join(folder, IMAGE));
      await copyFile(join(FIXTURES, `${name}.minisig`), join(folder, `${IMAGE}.minisig`));
      expect((await check()).from).toContain('x.img.minisig');
    }
  });

  it.each([
    [IMAGE, 'signature-wrong'],
    ['SHA256SUMS', 'signature-wrong'],
    [`${IMAGE}.spdx.json`, 'release-changed'],
    [`${IMAGE}.intoto.json`, 'release-changed'],
  ])('is refused after one flipped bit in %s', async (name, code) => {
    await release();
    await flip(name);
    await expect(check()).rejects.toMatchObject({ code });
  });

  it('is refused without a signature, and with something else in its place', async () => {
    await expect(check()).rejects.toMatchObject({ code: 'signature-missing' });
    await writeFile(join(folder, `${IMAGE}.minisig`), '<html>404</html>');
    await expect(check()).rejects.toMatchObject({ code: 'signature-malformed' });
  });

  it('is refused when the signature is too old, and not a moment before', async () => {
    await sign(IMAGE, 'file:x.img\texpires:2020-01-01T00:00:00.000Z\thashed');
    await expect(check()).rejects.toMatchObject({ code: 'signature-expired' });
    await sign(IMAGE, 'file:x.img\texpires:2999-01-01T00:00:00.000Z\thashed');
    await expect(check()).resolves.toBeDefined();
    await sign(IMAGE, 'expires:whenever');
    await expect(check()).rejects.toMatchObject({ code: 'signature-expired' });
  });

  it("is refused with another key's signature, and with a key that is none", async () => {
    await release();
    await expect(check(join(FIXTURES, 'with-password.pub'))).rejects.toMatchObject({ code: 'signature-of-other-key' });
    await expect(check(join(FIXTURES, 'small.img'))).rejects.toMatchObject({ code: 'signing-key-unreadable' });
  });
});
