import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { imageSource } from '../../../src/images/image-source.js';
import { expectedDigests } from '../../../src/write/expected-digests.js';
import { ImageDigests } from '../../../src/write/image-digests.js';
import { createFakeHost } from '../../helpers/fake-host.js';

const fileSource = (path: string) => imageSource(path, createFakeHost());

const bytes = randomBytes(1000);
const packed = randomBytes(500);
const hexOf = (type: string, of: Buffer): string => createHash(type).update(of).digest('hex');
const wrong = (digest: string): string => (digest.startsWith('0') ? '1' : '0') + digest.slice(1);

let parent: string;
let folder: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'reswarm-digests-'));
});

beforeEach(async () => {
  folder = await mkdtemp(join(parent, 'case-'));
});

afterAll(async () => {
  await rm(parent, { recursive: true });
});

/** Whether i.img passes with these files beside it. */
async function check(files: Record<string, string>, image = 'i.img'): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const isPacked = image.endsWith('.xz');
  const expected = await expectedDigests(fileSource(join(folder, image)), isPacked ? 'xz' : 'none', undefined);
  expect(expected).not.toEqual([]);
  const digests = new ImageDigests(image, isPacked, expected, undefined);
  digests.onFileBytes(isPacked ? packed : bytes);
  digests.update(bytes);
  digests.finish();
}

describe('digests beside an image', () => {
  const [sha256, sha512] = [hexOf('sha256', bytes), hexOf('sha512', bytes)];

  it.each([
    ['SHA256SUMS', (digest: string) => `${digest}  i.img\n`, sha256],
    ['SHA256SUMS', (digest: string) => `SHA256 (i.img) = ${digest}\n`, sha256],
    ['SHA512SUMS', (digest: string) => `${digest}  i.img\n`, sha512],
    ['SHA512SUMS', (digest: string) => `SHA512 (./i.img) = ${digest}\n`, sha512],
    ['MD5SUMS', (digest: string) => `${digest}  i.img\n`, hexOf('md5', bytes)],
    ['i.img.sha256', (digest: string) => digest, sha256],
    ['i.img.sha256', (digest: string) => `SHA256 (i.img) = ${digest}\n`, sha256],
    ['i.img.sha512', (digest: string) => `${digest}  /srv/out/i.img\n`, sha512],
    ['i.img.sha1', (digest: string) => `${digest}  i.img\n`, hexOf('sha1', bytes)],
  ])('in %s are held to, case %#', async (file, line, digest) => {
    await check({ [file]: line(digest) });
    await expect(check({ [file]: line(wrong(digest)) })).rejects.toMatchObject({ code: 'image-digest-mismatch' });
  });

  it('of a packed image may be those of the file or of the image in it', async () => {
    await check({ SHA512SUMS: `${hexOf('sha512', packed)}  i.img.xz\n${sha512}  i.img\n` }, 'i.img.xz');
    await check({ 'i.img.xz.sha256': `${sha256}  i.img\n` }, 'i.img.xz');
    const files = { 'i.img.xz.sha256': `${sha256}  i.img.xz\n` };
    await expect(check(files, 'i.img.xz')).rejects.toMatchObject({ code: 'image-digest-mismatch' });
  });

  it('that contradict each other fit no image', async () => {
    const files = { SHA256SUMS: `${sha256}  i.img\n${wrong(sha256)}  i.img\n` };
    await expect(check(files)).rejects.toMatchObject({ code: 'image-digest-mismatch' });
  });

  it('of another file are refused where the name says that they are of this one', async () => {
    await expect(check({ 'i.img.sha256': `${sha256}  other.img\n` })).rejects.toMatchObject({ code: 'sha256-invalid' });
    await expect(check({ 'i.img.sha512': 'nothing' })).rejects.toMatchObject({ code: 'sha256-invalid' });
  });

  it('can be given with their type before them', async () => {
    const image = join(folder, 'i.img');
    expect(await expectedDigests(fileSource(image), 'none', `sha256:${sha256.toUpperCase()}`)).toEqual([
      { type: 'sha256', hex: sha256, of: 'either', from: '--sha256' },
    ]);
    await expect(expectedDigests(fileSource(image), 'none', 'abc')).rejects.toMatchObject({ code: 'sha256-invalid' });
  });
});
