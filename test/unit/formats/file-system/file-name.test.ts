import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfName, nameOfBytes } from '../../../../src/formats/file-system/file-name.js';

describe('names of files', () => {
  it('keep every byte, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(bytesOfName(nameOfBytes(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('are text where they are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(nameOfBytes(Buffer.from(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['Latin-1', [0x63, 0x61, 0x66, 0xe9], 'caf\udce9'],
    ['a character that is cut off', [0xe6, 0x96], '\udce6\udc96'],
    ['a byte before a character', [0xff, 0xc3, 0xbc], '\udcffü'],
    ['a surrogate, which UTF-8 does not know', [0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  ])('%s', (_, bytes, name) => {
    expect(nameOfBytes(Uint8Array.from(bytes))).toBe(name);
    expect([...bytesOfName(name)]).toEqual(bytes);
  });
});
