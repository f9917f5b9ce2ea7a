import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMbr } from '../../../src/formats/mbr.js';
import { isFat } from '../../../src/formats/partition-types.js';

/** A first sector with these entries, as sfdisk writes it. */
function sector(diskId: number, entries: readonly { type: number; start: number; sectors: number }[]): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.writeUInt32LE(diskId, 440);
  entries.forEach((entry, index) => {
    const at = 446 + index * 16;
    bytes.writeUInt8(entry.type, at + 4);
    bytes.writeUInt32LE(entry.start, at + 8);
    bytes.writeUInt32LE(entry.sectors, at + 12);
  });
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

describe('parseMbr', () => {
  it('reads disk id and partitions in bytes', () => {
    const mbr = parseMbr(
      sector(0x0a34abcd, [
        { type: 0x0c, start: 8192, sectors: 131072 },
        { type: 0x83, start: 139264, sectors: 1433600 },
      ]),
    );
    expect(mbr).toEqual({
      diskId: '0a34abcd',
      partitions: [
        { number: 1, type: 0x0c, bootable: false, offsetBytes: 4_194_304, sizeBytes: 67_108_864 },
        { number: 2, type: 0x83, bootable: false, offsetBytes: 71_303_168, sizeBytes: 734_003_200 },
      ],
    });
  });

  it('keeps the number of a partition that stands behind an empty entry', () => {
    const mbr = parseMbr(
      sector(1, [
        { type: 0, start: 0, sectors: 0 },
        { type: 0x83, start: 2048, sectors: 2048 },
      ]),
    );
    expect(mbr?.partitions.map((partition) => partition.number)).toEqual([2]);
  });

  it('reads places beyond 1 TiB', () => {
    const mbr = parseMbr(sector(1, [{ type: 0x83, start: 0xfffffff0, sectors: 0xffffffff }]));
    expect(mbr?.partitions[0]).toMatchObject({ offsetBytes: 0xfffffff0 * 512, sizeBytes: 0xffffffff * 512 });
  });

  it('knows a sector without the signature from a partition table', () => {
    expect(parseMbr(Buffer.alloc(512))).toBeUndefined();
    expect(parseMbr(sector(1, []).subarray(0, 511))).toBeUndefined();
  });

  it('takes any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const mbr = parseMbr(bytes);
        expect(mbr === undefined || mbr.partitions.length <= 4).toBe(true);
      }),
    );
  });

  it.each([
    [0x0c, true],
    [0x0b, true],
    [0xef, true],
    [0x83, false],
    [0xee, false],
  ])('tells whether type %i is a FAT', (type, expected) => {
    expect(isFat({ type })).toBe(expected);
  });
});
