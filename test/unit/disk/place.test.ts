import { describe, expect, it } from 'vitest';
import type { SizedPartition } from '../../../src/disk/place.js';
import { place } from '../../../src/disk/place.js';
import { GiB, MiB } from '../../../src/model/bytes.js';

const ALIGNMENT = 4 * MiB;

function partition(name: string, over: Partial<SizedPartition> = {}): SizedPartition {
  return { name, startBytes: 'auto', sizeBytes: 8 * MiB, grow: false, logical: false, ...over };
}

function placesOf(partitions: readonly SizedPartition[], table: 'mbr' | 'gpt' = 'mbr') {
  const { partitions: places, totalBytes, extended } = place(partitions, table, ALIGNMENT);
  const at = Object.fromEntries([...places].map(([name, { offsetBytes }]) => [name, offsetBytes / MiB]));
  return { at, total: totalBytes / MiB, extended: extended && [extended.offsetBytes / MiB, extended.sizeBytes / MiB] };
}

describe('places of partitions', () => {
  it('puts the one that grows last, whatever its number', () => {
    const { at, total } = placesOf([partition('boot'), partition('root', { grow: true }), partition('data')]);
    expect(at).toEqual({ boot: 4, data: 12, root: 20 });
    expect(total).toBe(28);
  });

  it('gives each logical partition room for its own table, inside one extended partition', () => {
    const logical = { logical: true };
    const { at, extended } = placesOf([
      partition('boot'),
      partition('a', logical),
      partition('b', logical),
      partition('c', { ...logical, grow: true }),
    ]);
    expect(at).toEqual({ boot: 4, a: 16, b: 28, c: 40 });
    expect(extended).toEqual([12, 36]);
  });

  it('puts a growing primary partition behind the extended one', () => {
    const { at, extended } = placesOf([
      partition('boot'),
      partition('root', { grow: true }),
      partition('a', { logical: true }),
    ]);
    expect(at).toEqual({ boot: 4, a: 16, root: 24 });
    expect(extended).toEqual([12, 12]);
  });

  it('leaves room for the backup of a GPT', () => {
    expect(placesOf([partition('boot'), partition('root')], 'gpt').total).toBe(21);
  });

  it('refuses a logical partition that leaves no room for its own table', () => {
    const logical = { logical: true };
    const of = (startBytes: number) => () =>
      placesOf([partition('boot'), partition('a', logical), partition('b', { ...logical, startBytes })]);
    expect(of(24 * MiB)).toThrow(
      expect.objectContaining({
        code: 'partition-overlap',
        message: expect.stringMatching(/b partition.*after a/) as string,
      }),
    );
    expect(of(28 * MiB)().at).toEqual({ boot: 4, a: 16, b: 28 });
  });

  it('refuses a primary partition inside the extended one, where no partition is', () => {
    const logical = { logical: true };
    const partitions = [
      partition('boot'),
      partition('a', logical),
      partition('b', { ...logical, startBytes: 200 * MiB }),
      partition('root', { startBytes: 100 * MiB, grow: true }),
    ];
    expect(() => placesOf(partitions)).toThrow(expect.objectContaining({ code: 'partition-overlap' }));
  });

  it('refuses places that overlap, with both names', () => {
    expect(() => placesOf([partition('boot'), partition('root', { startBytes: 8 * MiB })])).toThrow(
      expect.objectContaining({ code: 'partition-overlap', message: expect.stringContaining('boot') as string }),
    );
  });

  it('refuses what an MBR cannot address, and lets a GPT have it', () => {
    const huge = [partition('boot'), partition('root', { sizeBytes: 2048 * GiB })];
    expect(() => placesOf(huge)).toThrow(expect.objectContaining({ code: 'partition-too-large' }));
    expect(placesOf(huge, 'gpt').at.root).toBe(12);
  });
});
