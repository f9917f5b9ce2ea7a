import { describe, expect, it } from 'vitest';
import { parseChecksums, updateChecksums } from '../../../src/formats/checksum-list.js';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

describe('SHA256SUMS', () => {
  it('has a line for each file, in the order of their names', () => {
    const checksums = [
      { name: 'rpi4.img.xz', sha256: B },
      { name: 'rpi4.img', sha256: A },
    ];
    expect(updateChecksums('', checksums)).toBe(`${A}  rpi4.img\n${B}  rpi4.img.xz\n`);
  });

  it('keeps what it says of other files, as others wrote it', () => {
    expect(updateChecksums(`${C} *other.img\n# signed by me\n`, [{ name: 'rpi4.img', sha256: A }])).toBe(
      `# signed by me\n${C} *other.img\n${A}  rpi4.img\n`,
    );
  });

  it('replaces what it said of the same file, and drops what is gone', () => {
    const before = `${A} *rpi4.img\n${B}  rpi4.img.xz\n`;
    expect(updateChecksums(before, [{ name: 'rpi4.img', sha256: C }], ['rpi4.img.xz'])).toBe(`${C}  rpi4.img\n`);
  });
});

describe('a list of digests', () => {
  const sha512 = 'd'.repeat(128);

  it.each([
    ['sha256sum', `${A}  rpi4.img`, { type: 'sha256', hex: A, name: 'rpi4.img' }],
    ['sha256sum --binary', `${A} *rpi4.img`, { type: 'sha256', hex: A, name: 'rpi4.img' }],
    ['sha256sum --tag', `SHA256 (rpi4.img) = ${A}`, { type: 'sha256', hex: A, name: 'rpi4.img' }],
    ['openssl', `SHA2-256(rpi4.img)= ${A}`, { type: 'sha256', hex: A, name: 'rpi4.img' }],
    ['sha512sum --tag', `SHA512 (a (1).img) = ${sha512}`, { type: 'sha512', hex: sha512, name: 'a (1).img' }],
    ['a digest alone', A.toUpperCase(), { type: 'sha256', hex: A }],
    ['Windows', `${A}  rpi4.img\r`, { type: 'sha256', hex: A, name: 'rpi4.img' }],
    ['md5sum', `${'e'.repeat(32)}  rpi4.img`, { type: 'md5', hex: 'e'.repeat(32), name: 'rpi4.img' }],
  ])('is read as %s writes it', (_, line, expected) => {
    expect(parseChecksums(`# comment\n${line}\n\n`)).toEqual([expected]);
  });

  it('passes over what is no digest', () => {
    const text = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\niQEzBAEBCAAdFiEE\nabc123  rpi4.img\n';
    expect(parseChecksums(text)).toEqual([]);
  });
});
