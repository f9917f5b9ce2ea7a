import { describe, expect, it } from 'vitest';
import {
  compressCommand,
  compressionOf,
  decompressCommand,
  foreignPacking,
  suffixOf,
} from '../../../src/formats/compression.js';

describe('how a file is packed', () => {
  it.each([
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04]],
    ['zst', [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x00, 0x00]],
    ['gz', [0x1f, 0x8b, 0x08, 0x00]],
    ['zst', [0x50, 0x2a, 0x4d, 0x18, 0x04, 0x00, 0x00, 0x00]],
    ['zst', [0x5f, 0x2a, 0x4d, 0x18, 0x04, 0x00, 0x00, 0x00]],
    ['bz2', [0x42, 0x5a, 0x68, 0x39]],
    ['lzma', [0x5d, 0x00, 0x00, 0x80, 0x00, 0xff, 0xff, 0xff]],
    ['none', [0x60, 0x2a, 0x4d, 0x18]],
    ['none', [0x00, 0x00, 0x00, 0x00]],
    ['none', [0x1f]],
    ['none', []],
  ] as const)('%s is known by its first bytes', (compression, bytes) => {
    expect(compressionOf(Uint8Array.from(bytes))).toBe(compression);
  });

  it('names what is not read here, with the program that unpacks it', () => {
    expect(foreignPacking(Buffer.from('PK\u0003\u0004'))).toMatchObject({ name: 'zip', unpack: 'unzip' });
    for (const bytes of ['QFI\xfb\0\0\0\x03', 'KDMV\x01\0\0\0', 'vhdxfile']) {
      expect(foreignPacking(Buffer.from(bytes, 'latin1'))?.unpack, bytes).toBe('qemu-img convert -O raw');
    }
    expect(foreignPacking(Buffer.alloc(8))).toBeUndefined();
  });

  it('is what a name ends in', () => {
    expect((['none', 'xz', 'zst', 'gz'] as const).map(suffixOf)).toEqual(['', '.xz', '.zst', '.gz']);
  });
});

describe('packing', () => {
  it('never works in the single-threaded way, whose bytes are others', () => {
    expect(compressCommand('xz', 1).args).toContain('--threads=+1');
    expect(compressCommand('xz', 4).args).toContain('--threads=4');
  });

  it('is undone with all cores by xz', () => {
    expect(decompressCommand('xz').args).toContain('--threads=0');
  });
});
