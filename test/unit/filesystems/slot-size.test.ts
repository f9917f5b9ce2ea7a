import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.js';
import { ext4 } from '../../../src/filesystems/ext4.js';
import { volumeSize } from '../../../src/filesystems/size.js';
import { MiB } from '../../../src/model/bytes.js';

const CONTENT = { bytes: 300 * MiB, files: 10_000 };

describe('the size of a slot', () => {
  it('has room for content that is 30 % more', () => {
    const slot = { sizeBytes: 'fit', headroomBytes: 0, headroomShare: 0.3 } as const;
    const sizeBytes = volumeSize('root-a', slot, CONTENT, ext4, 4 * MiB);
    expect(sizeBytes).toBeGreaterThanOrEqual(ext4.neededBytes({ ...CONTENT, bytes: 390 * MiB }, sizeBytes, 0));
    expect(sizeBytes).toBe(volumeSize('root-a', { sizeBytes: 'fit', headroomBytes: 90 * MiB }, CONTENT, ext4, 4 * MiB));
  });

  it('is refused with the sum where it is fixed and too small', () => {
    const slot = { sizeBytes: 380 * MiB, headroomBytes: 0, headroomShare: 0.3 };
    const make = () => volumeSize('root-a', slot, CONTENT, ext4, 4 * MiB);
    expect(make).toThrow(UserError);
    expect(make).toThrow(/380 MiB .*90 MiB headroom needs 4\d\d/);
  });
});
