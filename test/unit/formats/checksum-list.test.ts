import { describe, expect, it } from 'vitest';
import { updateChecksums } from '../../../src/formats/checksum-list.js';

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
