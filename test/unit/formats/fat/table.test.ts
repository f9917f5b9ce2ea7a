import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntry, encodeEntry, entryPlace } from '../../../../src/formats/fat/table.js';

const BITS = { fat12: 12, fat16: 16, fat32: 32 } as const;
const MASKS = { fat12: 0xfff, fat16: 0xffff, fat32: 0x0fff_ffff } as const;
const CLUSTERS = 40;

/** The bits of an entry, one by one, as the specification counts them. */
function bitsOf(table: Uint8Array, kind: keyof typeof BITS, cluster: number): number {
  let value = 0;
  for (let bit = 0; bit < BITS[kind]; bit += 1) {
    const at = cluster * BITS[kind] + bit;
    value += (((table[at >> 3] ?? 0) >> (at & 7)) & 1) * 2 ** bit;
  }
  return value;
}

describe.each(['fat12', 'fat16', 'fat32'] as const)('entries of a %s', (kind) => {
  it('are read and written where they are, and no other changes', () => {
    const size = Math.ceil((CLUSTERS * BITS[kind]) / 8) + 1;
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: size, maxLength: size }),
        fc.integer({ min: 0, max: CLUSTERS - 1 }),
        fc.integer({ min: 0, max: MASKS[kind] }),
        (table, cluster, value) => {
          const before = Uint8Array.from(table);
          const { offsetBytes, sizeBytes } = entryPlace(kind, cluster);
          const bytes = table.subarray(offsetBytes, offsetBytes + sizeBytes);
          expect(decodeEntry(kind, cluster, bytes)).toBe(bitsOf(table, kind, cluster) & MASKS[kind]);
          table.set(encodeEntry(kind, cluster, value, bytes), offsetBytes);
          for (let other = 0; other < CLUSTERS; other += 1) {
            const old = bitsOf(before, kind, other);
            const expected = other === cluster ? old - (old % (MASKS[kind] + 1)) + value : old;
            expect(bitsOf(table, kind, other)).toBe(expected);
          }
        },
      ),
    );
  });
});
