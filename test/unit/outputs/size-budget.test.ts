import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../src/model/bytes.js';
import { overSizeBudget } from '../../../src/outputs/size-budget.js';

const image = {
  name: 'x.iso',
  sizeBytes: 12 * MiB,
  parts: [
    { name: 'kernel', sizeBytes: 2 * MiB },
    { name: 'boot loader', sizeBytes: 490 * KiB },
  ],
  archives: [
    {
      name: 'initramfs.zst',
      sizeBytes: 9 * MiB,
      unpackedBytes: 36 * MiB,
      entries: [
        { name: '/usr/lib/libicudata.so.76', sizeBytes: 32 * MiB },
        { name: '/usr/bin/node', sizeBytes: 3 * MiB, compressedBytes: 2.5 * MiB },
        ...Array.from({ length: 20 }, (_, index) => ({ name: `/small-${index}`, sizeBytes: 50 * KiB })),
      ],
    },
  ],
};

describe('a size budget', () => {
  it('is kept by an image of just that size', () => {
    expect(overSizeBudget(image, 12 * MiB)).toBeUndefined();
  });

  it('names the largest ten by what they take in the image, compressed where that counts', () => {
    const error = overSizeBudget(image, 10 * MiB);
    expect(error).toMatchObject({ code: 'over-size-budget', exitCode: 2 });
    expect(error?.message).toBe(
      'x.iso has 12 MiB (12582912 bytes), and its size budget is 10 MiB: 2 MiB (2097152 bytes) too much',
    );
    expect(error?.details.slice(0, 5)).toEqual([
      '/usr/lib/libicudata.so.76  32 MiB, about 8 MiB compressed',
      '/usr/bin/node              3 MiB, 2.50 MiB compressed',
      'kernel                     2 MiB',
      'boot loader                490 KiB',
      '/small-0                   50 KiB, about 12.5 KiB compressed',
    ]);
    expect(error?.details).toHaveLength(11);
    expect(error?.details.at(-1)).toBe('and 14 smaller ones');
  });

  it('says nothing of compression in an archive that has none', () => {
    const entries = [{ name: '/init', sizeBytes: MiB }];
    const plain = { name: 'a', sizeBytes: MiB, unpackedBytes: MiB, entries };
    expect(overSizeBudget({ ...image, parts: [], archives: [plain] }, 1)?.details).toEqual(['/init  1 MiB']);
  });
});
