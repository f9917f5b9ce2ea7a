import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GiB, KiB, MiB } from '../../../src/model/bytes.js';
import { diskFor, twoPartitions, type TwoContents, type TwoPartitions } from '../../helpers/two-partitions.js';
import { ext4Geometry } from '../../../src/formats/ext4/geometry.js';
import { fat32ContentBytes, fat32Geometry, isFat32 } from '../../../src/formats/fat/geometry.js';
import { UserError } from '../../../src/errors.js';

const usual: TwoContents = { boot: { bytes: 9 * MiB, files: 20 }, root: { bytes: 340 * MiB, files: 11_000 } };

/** A board's disk with the headroom that boards have. */
function plan(asked: TwoPartitions = {}, content = usual) {
  const boot = { headroomBytes: 8 * MiB, ...asked.boot };
  const root = { headroomBytes: 16 * MiB, ...asked.root };
  return diskFor(twoPartitions({ id: 'rpi4', ...asked, boot, root }), content);
}

function problemsOf(requests: TwoPartitions, content = usual) {
  try {
    plan(requests, content);
  } catch (error) {
    if (error instanceof UserError) return error.problems;
    throw error;
  }
  return [];
}

describe('the disk of two partitions', () => {
  it('places the boot partition at 4 MiB and the root partition behind it', () => {
    const { partitions, totalBytes } = plan();
    expect(partitions[0]).toMatchObject({ number: 1, fs: 'vfat', offsetBytes: 4 * MiB, sizeBytes: 36 * MiB });
    expect(partitions[1]).toMatchObject({ number: 2, fs: 'ext4', offsetBytes: 40 * MiB });
    expect(totalBytes).toBe(partitions[1].offsetBytes + partitions[1].sizeBytes);
  });

  it('keeps the image for 340 MiB of content below 433 MB', () => {
    expect(plan().totalBytes).toBeLessThanOrEqual(433_000_000);
  });

  it('names partitions by the disk id, and gives two boards different ids', () => {
    const own = plan();
    const other = plan({ id: 'rpi3' });
    expect(own.diskId).toMatch(/^[0-9a-f]{8}$/);
    expect(own.partitions.map(({ partUuid }) => partUuid)).toEqual([`${own.diskId}-01`, `${own.diskId}-02`]);
    expect(other.diskId).not.toBe(own.diskId);
    expect(other.partitions[1].uuid).not.toBe(own.partitions[1].uuid);
  });

  it('never changes the numbers of a board: cards in the field are found by them', () => {
    const { diskId, partitions } = plan();
    expect([diskId, partitions[0].fatSerial, partitions[1].uuid, partitions[1].hashSeed]).toEqual([
      '96627196',
      '9498FAE6',
      'fa2e3858-5c66-845b-8b90-2a8e12c9a3f6',
      'e8e1fa0e-d047-8ae7-8f6e-07ce2c437615',
    ]);
  });

  it('takes fixed sizes and starts as they are', () => {
    const { partitions } = plan({ boot: { sizeBytes: 64 * MiB }, root: { startBytes: 128 * MiB, sizeBytes: GiB } });
    expect(partitions[0]).toMatchObject({ offsetBytes: 4 * MiB, sizeBytes: 64 * MiB });
    expect(partitions[1]).toMatchObject({ offsetBytes: 128 * MiB, sizeBytes: GiB });
  });

  it.each<[string, TwoPartitions, TwoContents, string[]]>([
    ['a boot partition below the least FAT32', { boot: { sizeBytes: 32 * MiB } }, usual, ['partition-too-small']],
    [
      'a boot partition that its content fills',
      { boot: { sizeBytes: 36 * MiB } },
      { ...usual, boot: { bytes: 30 * MiB, files: 9 } },
      ['partition-too-small'],
    ],
    [
      'a root partition without room for the file system itself',
      { root: { sizeBytes: 356 * MiB } },
      usual,
      ['partition-too-small'],
    ],
    [
      'a root partition with too few inodes',
      { root: { sizeBytes: 128 * MiB } },
      { ...usual, root: { bytes: MiB, files: 90_000 } },
      ['partition-too-small'],
    ],
    ['a root partition inside the boot partition', { root: { startBytes: 16 * MiB } }, usual, ['partition-overlap']],
    ['more than an MBR can address', { root: { sizeBytes: 2048 * GiB } }, usual, ['partition-too-large']],
  ])('refuses %s', (_, requests, content, codes) => {
    expect(problemsOf(requests, content).map(({ code }) => code)).toEqual(codes);
  });

  it('says how much is needed and how much there is', () => {
    const [problem] = problemsOf({ root: { sizeBytes: 300 * MiB } });
    expect(problem?.message).toContain(`${300 * MiB} bytes`);
    const needed = Number(/\((\d+) bytes\)$/.exec(problem?.message ?? '')?.[1]);
    expect(needed).toBeGreaterThan(340 * MiB + 16 * MiB);
    const roundedUp = Math.ceil(needed / (4 * MiB)) * 4 * MiB;
    expect(problemsOf({ root: { sizeBytes: roundedUp } })).toEqual([]);
  });

  it('says the same of a boot partition that is FAT32, but too small for its files', () => {
    const content = { boot: { bytes: 60 * MiB, files: 20 }, root: { bytes: 0, files: 0 } };
    const [problem, ...others] = problemsOf({ boot: { sizeBytes: 48 * MiB } }, content);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'partition-too-small', message: expect.stringContaining('boot') as string });
    expect(problem?.message).toContain(`${48 * MiB} bytes`);
    expect(Number(/\((\d+) bytes\)$/.exec(problem?.message ?? '')?.[1])).toBeGreaterThan(60 * MiB);
  });
});

describe('the disk of two partitions for any content', () => {
  const content = (maxBytes: number, maxFiles: number) =>
    fc.record({ bytes: fc.integer({ min: 0, max: maxBytes }), files: fc.integer({ min: 0, max: maxFiles }) });
  const cases = fc.record({
    content: fc.record({ boot: content(512 * MiB, 2000), root: content(6 * GiB, 400_000) }),
    headroomBytes: fc.integer({ min: 0, max: 256 * MiB }),
    alignmentBytes: fc.constantFrom(4 * MiB, 8 * MiB),
  });
  const planned = ({
    content,
    headroomBytes,
    alignmentBytes,
  }: typeof cases extends fc.Arbitrary<infer T> ? T : never) =>
    plan({ boot: { headroomBytes }, root: { headroomBytes }, alignmentBytes }, content);

  it('aligns every start and size and lets no two partitions overlap', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const { partitions, totalBytes } = planned(input);
        let end = input.alignmentBytes;
        for (const { offsetBytes, sizeBytes } of partitions) {
          expect(offsetBytes % input.alignmentBytes).toBe(0);
          expect(sizeBytes % input.alignmentBytes).toBe(0);
          expect(offsetBytes).toBeGreaterThanOrEqual(end);
          end = offsetBytes + sizeBytes;
        }
        expect(totalBytes).toBe(end);
      }),
    );
  });

  it('holds content and headroom beside what the file systems need, on a FAT that is really FAT32', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const [boot, root] = planned(input).partitions;
        expect(isFat32(boot.sizeBytes)).toBe(true);
        const fat = fat32Geometry(boot.sizeBytes);
        const bootRoom = fat.clusters * fat.clusterBytes - fat32ContentBytes(input.content.boot, fat.clusterBytes);
        expect(bootRoom).toBeGreaterThanOrEqual(input.headroomBytes);
        const ext4 = ext4Geometry(root.sizeBytes, input.content.root.files);
        const rootRoom = root.sizeBytes - ext4.overheadBytes - input.content.root.bytes;
        expect(rootRoom).toBeGreaterThanOrEqual(input.headroomBytes);
        expect(ext4.inodes).toBeGreaterThan(input.content.root.files);
      }),
    );
  });

  it('never gives more content a smaller partition', () => {
    fc.assert(
      fc.property(cases, content(64 * MiB, 5000), (input, more) => {
        const small = planned(input);
        const add = (tree: TwoContents['boot']) => ({ bytes: tree.bytes + more.bytes, files: tree.files + more.files });
        const large = planned({ ...input, content: { boot: add(input.content.boot), root: add(input.content.root) } });
        for (const index of [0, 1] as const) {
          expect(large.partitions[index].sizeBytes).toBeGreaterThanOrEqual(small.partitions[index].sizeBytes);
        }
      }),
    );
  });

  it('wastes less than one unit of alignment', () => {
    fc.assert(
      fc.property(cases, (input) => {
        const [, root] = planned(input).partitions;
        const smaller = root.sizeBytes - input.alignmentBytes;
        const problems = problemsOf(
          { root: { sizeBytes: smaller, headroomBytes: input.headroomBytes }, alignmentBytes: input.alignmentBytes },
          { boot: { bytes: 0, files: 0 }, root: input.content.root },
        );
        expect(problems.map(({ code }) => code)).toEqual(['partition-too-small']);
      }),
    );
  });
});

describe('fat32Geometry', () => {
  it.each([
    [32 * MiB, false, 512],
    [33 * MiB, true, 512],
    [260 * MiB, true, 512],
    [264 * MiB, true, 4 * KiB],
    [2 * GiB, true, 4 * KiB],
    [64 * GiB, true, 32 * KiB],
  ])('lays out %d bytes: FAT32 %s, clusters of %d bytes', (sizeBytes, fat32, clusterBytes) => {
    expect(isFat32(sizeBytes)).toBe(fat32);
    expect(fat32Geometry(sizeBytes).clusterBytes).toBe(clusterBytes);
  });
});
