import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressedLength, refuseForeignPacking } from '../../../../src/formats/cpio/compressed-length.js';
import { DamagedFileSystem, UnreadFileSystem } from '../../../../src/formats/file-system/file-system.js';

/** `printf 'hello hello hello\n' | xz --check=crc32`, and `zstd --no-check` of the same. */
const XZ = Buffer.from(
  '/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AARAAxdADQZSe6N6U9+ISGwAAA7fIrfAAEkEsUl1yKQQpkNAQAAAAABWVo=',
  'base64',
);
const ZSTD = Buffer.from('KLUv/SASbQAAOGhlbGxvIAoBADFKEQ==', 'base64');

describe('the length of a compressed stream', () => {
  it('of gzip is found whatever follows, with a name in the header and without', () => {
    const plain = gzipSync('hello '.repeat(1000));
    const named = Buffer.concat([
      plain.subarray(0, 3),
      Buffer.of(8),
      plain.subarray(4, 10),
      Buffer.from('n\0'),
      plain.subarray(10),
    ]);
    for (const stream of [plain, named]) {
      for (const behind of ['', '\0\0\0', '070701', 'anything else']) {
        expect(compressedLength('gz', Buffer.concat([stream, Buffer.from(behind)]))).toBe(stream.length);
      }
    }
  });

  it('of zstd is that of its blocks', () => {
    for (const behind of ['', '\0\0\0', '(\xb5/\xfd']) {
      expect(compressedLength('zst', Buffer.concat([ZSTD, Buffer.from(behind, 'latin1')]))).toBe(ZSTD.length);
    }
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9, 1]);
    expect(compressedLength('zst', skipped)).toBe(10);
  });

  it('of xz is where its footer leads back to its beginning', () => {
    for (const behind of [Buffer.alloc(0), Buffer.alloc(8), XZ, Buffer.from('YZ YZ')]) {
      expect(compressedLength('xz', Buffer.concat([XZ, behind]))).toBe(XZ.length);
    }
  });

  it('that does not end is damage', () => {
    const gzip = gzipSync('hello '.repeat(1000));
    expect(() => compressedLength('gz', gzip.subarray(0, gzip.length - 20))).toThrow(DamagedFileSystem);
    expect(() => compressedLength('zst', ZSTD.subarray(0, 12))).toThrow(DamagedFileSystem);
    expect(() => compressedLength('xz', XZ.subarray(0, 40))).toThrow(DamagedFileSystem);
  });

  it('of lz4 and lzo is not known', () => {
    expect(() => {
      refuseForeignPacking(Buffer.from([2, 0x21, 0x4c, 0x18]));
    }).toThrow(UnreadFileSystem);
    expect(() => {
      refuseForeignPacking(Buffer.from('070701'));
    }).not.toThrow();
  });
});
