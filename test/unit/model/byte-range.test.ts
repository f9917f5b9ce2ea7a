import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeRanges, shiftRanges, totalBytes } from '../../../src/model/byte-range.js';

const range = (offsetBytes: number, sizeBytes: number) => ({ offsetBytes, sizeBytes });

describe('merged ranges', () => {
  it.each([
    { title: 'nothing', ranges: [], merged: [] },
    { title: 'neighbours', ranges: [range(4, 4), range(0, 4)], merged: [range(0, 8)] },
    { title: 'overlaps', ranges: [range(0, 6), range(4, 4)], merged: [range(0, 8)] },
    { title: 'one inside another', ranges: [range(0, 9), range(2, 3)], merged: [range(0, 9)] },
    { title: 'a gap', ranges: [range(0, 3), range(4, 1)], merged: [range(0, 3), range(4, 1)] },
    { title: 'empty ones', ranges: [range(7, 0), range(1, 1)], merged: [range(1, 1)] },
  ])('of $title', ({ ranges, merged }) => {
    expect(mergeRanges(ranges)).toEqual(merged);
  });

  it('cover the same bytes, each once', () => {
    const some = fc.array(fc.record({ offsetBytes: fc.nat(60), sizeBytes: fc.nat(12) }));
    fc.assert(
      fc.property(some, (ranges) => {
        const bytesOf = (list: typeof ranges) =>
          list.flatMap(({ offsetBytes, sizeBytes }) => Array.from({ length: sizeBytes }, (_, i) => offsetBytes + i));
        const merged = [...mergeRanges(ranges)];
        expect(bytesOf(merged)).toEqual([...new Set(bytesOf(ranges))].sort((a, b) => a - b));
        expect(totalBytes(merged)).toBe(new Set(bytesOf(ranges)).size);
      }),
    );
  });
});

it('shifts ranges to where a partition begins', () => {
  expect(shiftRanges([range(0, 4), range(8, 1)], 100)).toEqual([range(100, 4), range(108, 1)]);
});
