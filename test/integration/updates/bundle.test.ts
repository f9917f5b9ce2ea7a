import { copyFile, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { cli, errorCode, resultOf } from '../../helpers/cli.js';
import type { SlotImage } from '../../helpers/slot-image.js';
import { inTree, makeSlotImage } from '../../helpers/slot-image.js';
import { emptyFolder } from '../../helpers/update-device.js';
import { makeTestBundle, makeTrustingImage, makeUpdateKeys } from '../../helpers/update-keys.js';

/** Debian's rauc, openssl and veritysetup. */
describe('keys and bundles', () => {
  let folder = '';
  let keys = '';
  let keyring = '';
  let image = '';
  const at = (name: string): string => join(folder, name);
  const bundle = async (from: string, key: string, ...more: readonly string[]) =>
    cli(['bundle', from, '--key', key, '--output', at('refused.raucb'), '--json', ...more]);

  beforeAll(async () => {
    folder = await emptyFolder();
    keys = await makeUpdateKeys(folder, 'keys');
    keyring = join(keys, 'root.pem');
    image = at('ab.img');
    await makeTrustingImage(inject('toolsTree'), image, keys);
  });
  afterAll(async () => rm(folder, { recursive: true }));

  /** A signer with what the test wants of it, in a copy of the key folder. */
  const signerWith = async (name: string, script: string): Promise<string> => {
    await inTree(inject('toolsTree'), folder, `cp -r keys ${name}; cd ${name}; rm -f signer-1.*; ${script}`);
    return at(name);
  };
  const sign = (extensions: string, days: string): string => `
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signer-1.key 2>/dev/null
    openssl req -new -key signer-1.key -subj /CN=x -out request
    printf '${extensions}' >extensions
    openssl x509 -req -in request -CA root.pem -CAkey root.key -passin file:../root.txt ${days} -extfile extensions -out signer-1.pem 2>/dev/null
    rm request extensions`;

  it('packs the same content for the same image, and what rauc and veritysetup find good', async () => {
    const first = await makeTestBundle(image, keys, at('a.raucb'), '1.0.1');
    const second = await makeTestBundle(image, keys, at('b.raucb'), '1.0.1');
    expect(second.payloadSha256).toBe(first.payloadSha256);
    expect(second.sha256).not.toBe(first.sha256);
    const verified = await cli(['bundle', 'verify', at('a.raucb'), '--keyring', keyring, '--json']);
    expect(resultOf(verified)).toMatchObject({
      compatible: 'reswarm-os-test',
      version: '1.0.1',
      format: 'verity',
      isVerified: true,
      signedBy: 'O = reswarm-os, CN = bundles 1',
      images: [
        { slot: 'rootfs', file: 'root.ext4', sizeBytes: 20 * 2 ** 20, isAdaptive: true },
        { slot: 'boot', file: 'boot.vfat', sizeBytes: 16 * 2 ** 20, isAdaptive: true },
      ],
    });
  });

  it('finds a byte of the content that was changed, a signature of other keys, and what is no bundle', async () => {
    await makeTestBundle(image, keys, at('good.raucb'), '1.0.1');
    await copyFile(at('good.raucb'), at('changed.raucb'));
    const file = await open(at('changed.raucb'), 'r+');
    await file.write(Buffer.from('xx'), 0, 2, 5000);
    await file.close();
    const verify = async (name: string, ring = keyring) =>
      errorCode(await cli(['bundle', 'verify', at(name), '--keyring', ring, '--json']));
    expect(await verify('good.raucb')).toBeUndefined();
    expect(await verify('changed.raucb')).toBe('bundle-content-damaged');
    const others = await makeUpdateKeys(folder, 'others');
    expect(await verify('good.raucb', join(others, 'root.pem'))).toBe('bundle-signature-invalid');
    expect(await verify('ab.img')).toBe('not-a-bundle');
    expect(await verify('none.raucb')).toBe('bundle-not-found');
    expect(errorCode(await bundle(image, others))).toBe('keyring-other');
  });

  it.each<[string, string, SlotImage]>([
    ['firmware on partition 1', 'bundle-selector-firmware', { selector: { 'start4.elf': 'x' } }],
    ['a seed in a slot', 'bundle-seed-in-slot', { boot: { 'user-data': '#cloud-config\n' } }],
    ['a seed inside the root', 'bundle-seed-in-slot', { root: { 'var/lib/cloud/seed/nocloud/user-data': 'x' } }],
    ['a slot B that is smaller than the root', 'bundle-slot-too-small', { slotB: 16 }],
    ['blocks of 1 KiB', 'bundle-block-size', { blockBytes: 1024 }],
    ['no RAUC', 'bundle-no-rauc', { root: { 'etc/rauc/system.conf': '[system]\n' } }],
    ['no keyring', 'bundle-no-keyring', {}],
  ])('refuses an image with %s', async (_, code, content) => {
    const path = at('bad.img');
    const trusted: SlotImage['root'] =
      code === 'bundle-no-keyring' ? {} : { 'etc/rauc/keyring.pem': await readFile(keyring, 'utf8') };
    await rm(`${path}.files`, { recursive: true, force: true });
    await makeSlotImage(inject('toolsTree'), path, { ...content, root: { ...trusted, ...content.root } });
    expect(errorCode(await bundle(path, keys))).toBe(code);
    await expect(readFile(at('refused.raucb'))).rejects.toThrow('ENOENT');
  });

  it('refuses an image with one slot, one with a GPT, and a version that dpkg would not take', async () => {
    const tools = inject('toolsTree');
    await inTree(tools, folder, `truncate -s 32M one.img; printf 'label: dos\\n,8M,c\\n,,83\\n' | sfdisk -q one.img`);
    await inTree(tools, folder, `truncate -s 32M gpt.img; printf 'label: gpt\\n,8M,U\\n,,L\\n' | sfdisk -q gpt.img`);
    expect(errorCode(await bundle(at('one.img'), keys))).toBe('bundle-image-one-slot');
    expect(errorCode(await bundle(at('gpt.img'), keys))).toBe('bundle-image-gpt');
    expect(errorCode(await bundle(image, keys, '--version', 'v1 beta'))).toBe('bundle-version-invalid');
  });

  it('refuses a signer that expired, has no certificate, no key, the key of another, or another purpose', async () => {
    const plain = 'keyUsage=critical,digitalSignature\\n';
    const cases: readonly (readonly [string, string])[] = [
      [
        await signerWith('expired', sign(plain, '-not_before 20200101000000Z -not_after 20210101000000Z')),
        'signer-expired',
      ],
      [await signerWith('purpose', sign(`${plain}extendedKeyUsage=codeSigning\\n`, '-days 9')), 'signer-purpose'],
      [await signerWith('no-certificate', 'cp ../keys/signer-1.key .'), 'keys-without-certificate'],
      [await signerWith('no-key', 'cp ../keys/signer-1.pem .'), 'keys-without-key'],
      [await signerWith('mismatch', `${sign(plain, '-days 9')}; cp ../keys/signer-1.key .`), 'key-mismatch'],
      [await signerWith('no-signer', 'true'), 'signer-missing'],
    ];
    for (const [key, code] of cases) expect(errorCode(await bundle(image, key)), key).toBe(code);
    const shown = await cli(['keys', 'show', at('expired'), '--json']);
    expect([shown.exitCode, resultOf(shown)]).toMatchObject([1, { signers: [{ state: 'expired' }] }]);
  });

  it('takes a bundle whose signer has expired since, as a device does', async () => {
    const soon = await signerWith('soon', sign('keyUsage=critical,digitalSignature\\n', `-not_after ${stamp(30_000)}`));
    const made = await bundle(image, soon);
    expect(errorCode(made)).toBeUndefined();
    expect(made.stderr).toContain('Signer 1 expires in 0 days');
    await new Promise((resolve) => setTimeout(resolve, 31_000));
    const verified = await cli(['bundle', 'verify', at('refused.raucb'), '--keyring', keyring, '--json']);
    expect(errorCode(verified)).toBeUndefined();
    await rm(at('refused.raucb'));
    expect(errorCode(await bundle(image, soon))).toBe('signer-expired');
  });

  it('renews a signer with a root key that is elsewhere, and with its passphrase only', async () => {
    await inTree(inject('toolsTree'), folder, 'cp -r keys renewed; mv renewed/root.key away.key');
    const renew = async (...args: readonly string[]) =>
      cli(['keys', 'renew', at('renewed'), '--plain-signer', '--json', ...args]);
    await writeFile(at('wrong.txt'), 'not it\n');
    const root = ['--root-passphrase-file', at('root.txt')];
    expect(errorCode(await renew(...root))).toBe('root-key-missing');
    expect(errorCode(await renew('--root-key', at('away.key'), '--root-passphrase-file', at('wrong.txt')))).toBe(
      'passphrase-wrong',
    );
    const done = await renew('--root-key', at('away.key'), ...root);
    expect(resultOf(done)).toMatchObject({
      root: { key: 'none' },
      signers: [{ number: 1 }, { number: 2, key: 'plain', state: 'valid' }],
    });
    await makeTestBundle(image, at('renewed'), at('renewed.raucb'), '1.0.2');
    const shown = await cli(['bundle', 'inspect', at('renewed.raucb'), '--keyring', keyring, '--json']);
    expect(resultOf(shown)).toMatchObject({ signedBy: 'O = reswarm-os, CN = bundles 2' });
    expect(errorCode(await cli(['keys', 'new', at('renewed'), ...root, '--plain-signer', '--json']))).toBe(
      'keys-exist',
    );
  });
});

/** As openssl takes it. */
function stamp(fromNowMs: number): string {
  return new Date(Date.now() + fromNowMs).toISOString().replace(/[-:T]/g, '').replace(/\..*/, 'Z');
}
