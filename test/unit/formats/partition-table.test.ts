import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPartitionTable } from '../../../src/formats/partition-table.js';
import { partitionsEndBytes, type PartitionTable } from '../../../src/model/partition-table.js';
import {
  DISK_GUID,
  EFI_SYSTEM,
  gptDisk,
  LINUX_DATA,
  mbrDisk,
  putEntries,
  type GptEntry,
} from '../../helpers/partition-tables.js';

const SECTOR = 512;
const INVALID = { code: 'partition-table-invalid', exitCode: 2 };

async function tableOf(disk: Buffer, sectorBytes?: number): Promise<PartitionTable | undefined> {
  const read = (offset: number, size: number): Promise<Buffer> => Promise.resolve(disk.subarray(offset, offset + size));
  return readPartitionTable(read, disk.length, sectorBytes);
}

/** A boot partition, and an extended one from sector 4096 to 16384 with these records. */
function withLogicals(records: readonly { at: number; start?: number; sectors?: number; next?: number }[]): Buffer {
  const disk = mbrDisk(20_000, [
    { type: 0x0c, start: 2048, sectors: 2048, active: true },
    { type: 0x0f, start: 4096, sectors: 12_288 },
  ]);
  for (const { at, start = 64, sectors = 1000, next } of records) {
    putEntries(disk, at * SECTOR, [
      { type: sectors === 0 ? 0 : 0x83, start, sectors },
      ...(next === undefined ? [] : [{ type: 0x05, start: next - 4096, sectors: 2000 }]),
    ]);
  }
  return disk;
}

describe('an MBR', () => {
  it('names its partitions as Linux does, with type, PARTUUID and what is active', async () => {
    const table = await tableOf(withLogicals([{ at: 4096 }]));
    expect(table).toMatchObject({ scheme: 'mbr', diskId: '0a34abcd', sectorSizeBytes: 512, warnings: [] });
    expect(table?.partitions[0]).toEqual({
      number: 1,
      type: 0x0c,
      typeName: 'W95 FAT32 (LBA)',
      bootable: true,
      offsetBytes: 2048 * SECTOR,
      sizeBytes: 2048 * SECTOR,
      partUuid: '0a34abcd-01',
    });
  });

  it('of an image counts in 4096 bytes only where a file system is at that place and nothing at the other', async () => {
    const disk = mbrDisk(4096, [{ type: 0x0c, start: 256, sectors: 2048 }], 4096);
    expect((await tableOf(disk))?.sectorSizeBytes).toBe(512);
    // The magic number and what else makes a superblock of ext4.
    const superblock = 256 * 4096 + 1024;
    disk.writeUInt16LE(0xef53, superblock + 56);
    expect(await tableOf(disk)).toMatchObject({
      sectorSizeBytes: 4096,
      partitions: [{ offsetBytes: 256 * 4096, sizeBytes: 2048 * 4096 }],
    });
    disk.writeUInt8(1, 256 * 512);
    expect((await tableOf(disk))?.sectorSizeBytes).toBe(512);
  });

  it('has logical partitions from 5 on, counted from their own records', async () => {
    const table = await tableOf(withLogicals([{ at: 4096, next: 8000 }, { at: 8000, next: 6000 }, { at: 6000 }]));
    expect(
      table?.partitions.map(({ number, offsetBytes, partUuid }) => [number, offsetBytes / SECTOR, partUuid]),
    ).toEqual([
      [1, 2048, '0a34abcd-01'],
      [2, 4096, '0a34abcd-02'],
      [5, 4160, '0a34abcd-05'],
      [6, 8064, '0a34abcd-06'],
      [7, 6064, '0a34abcd-07'],
    ]);
    expect(table?.ownRanges.map(({ offsetBytes }) => offsetBytes / SECTOR)).toEqual([0, 4096, 8000, 6000]);
  });

  it('may have an empty record at the head of the chain, or none at all', async () => {
    const head = await tableOf(withLogicals([{ at: 4096, sectors: 0, next: 8000 }, { at: 8000 }]));
    expect(head?.partitions.map(({ number }) => number)).toEqual([1, 2, 5]);
    const none = await tableOf(withLogicals([]));
    expect(none?.partitions.map(({ number }) => number)).toEqual([1, 2]);
    expect(none?.warnings.join()).toMatch(/extended partition 2 holds no table/);
  });

  it.each([
    ['a loop to itself', [{ at: 4096, next: 4096 }]],
    [
      'a loop of two',
      [
        { at: 4096, next: 8000 },
        { at: 8000, next: 4096 },
      ],
    ],
    ['a record behind the extended partition', [{ at: 4096, next: 18_000 }, { at: 18_000 }]],
    ['a record that is none', [{ at: 4096, next: 8000 }]],
    ['a logical partition that is too long', [{ at: 4096, sectors: 12_288 }]],
    ['a logical partition over its own record', [{ at: 4096, start: 0 }]],
  ])('with %s is refused', async (_, records) => {
    await expect(tableOf(withLogicals(records))).rejects.toMatchObject(INVALID);
  });

  it('counts in the sectors of its drive', async () => {
    const table = await tableOf(mbrDisk(4096, [{ type: 0x83, start: 256, sectors: 1024 }], 4096), 4096);
    expect(table).toMatchObject({ sectorSizeBytes: 4096, partitions: [{ offsetBytes: 2 ** 20, sizeBytes: 2 ** 22 }] });
  });

  it('that was cut within its chain gives what is there, so that its length can be judged', async () => {
    const disk = withLogicals([{ at: 4096, next: 8000 }, { at: 8000 }]).subarray(0, 7000 * SECTOR);
    const table = await tableOf(disk);
    expect(table && partitionsEndBytes(table)).toBe(16_384 * SECTOR);
  });

  it.each([
    ['zeros', Buffer.alloc(4096)],
    ['nothing', Buffer.alloc(0)],
    ['a table without partitions', mbrDisk(64, [])],
    ['a boot sector with code where the entries would be', withCode()],
  ])('is not seen in %s', async (_, disk) => {
    expect(await tableOf(disk)).toBeUndefined();
  });

  it('takes any bytes without an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 512, maxLength: 4096 }), fc.nat(0xffff), async (bytes, type) => {
        const disk = Buffer.from(bytes);
        putEntries(disk, 0, [
          { type: 0x05, start: 1, sectors: 7 },
          { type: type & 0xff, start: 2, sectors: type },
        ]);
        disk.fill(0, 478, 510);
        await tableOf(disk).catch((error: unknown) => {
          expect(error).toMatchObject(INVALID);
        });
      }),
    );
  });
});

function withCode(): Buffer {
  const disk = mbrDisk(64, [{ type: 0x0c, start: 1, sectors: 10 }]);
  disk.writeUInt8(0x33, 446);
  return disk;
}

const ENTRIES: readonly GptEntry[] = [
  {
    type: EFI_SYSTEM,
    guid: 'AAAAAAAA-0000-4000-8000-000000000001',
    first: 256,
    last: 511,
    name: 'boot',
    attributes: 4n,
  },
  { type: '', guid: '', first: 0, last: 0 },
  { type: LINUX_DATA, guid: 'aaaaaaaa-0000-4000-8000-000000000003', first: 512, last: 1023, name: 'Wurzel √' },
];

describe('a GPT', () => {
  it.each([512, 4096])('with sectors of %i bytes is read, and its size need not be told', async (sectorBytes) => {
    const table = await tableOf(gptDisk(2048, ENTRIES, { sectorBytes }));
    expect(table).toMatchObject({ scheme: 'gpt', diskId: DISK_GUID, sectorSizeBytes: sectorBytes, warnings: [] });
    expect(table?.partitions).toEqual([
      {
        number: 1,
        name: 'boot',
        type: EFI_SYSTEM,
        typeName: 'EFI System',
        bootable: true,
        offsetBytes: 256 * sectorBytes,
        sizeBytes: 256 * sectorBytes,
        partUuid: 'aaaaaaaa-0000-4000-8000-000000000001',
      },
      {
        number: 3,
        name: 'Wurzel √',
        type: LINUX_DATA,
        typeName: 'Linux filesystem',
        bootable: false,
        offsetBytes: 512 * sectorBytes,
        sizeBytes: 512 * sectorBytes,
        partUuid: 'aaaaaaaa-0000-4000-8000-000000000003',
      },
    ]);
  });

  it.each([0xffffffff, 2047, 1, 100_000])(
    'is believed when its protective MBR says %i sectors',
    async (guardSectors) => {
      const table = await tableOf(gptDisk(2048, ENTRIES, { guardSectors }));
      expect(table && partitionsEndBytes(table)).toBe(1024 * SECTOR);
    },
  );

  it('has entries of other sizes', async () => {
    expect((await tableOf(gptDisk(4096, ENTRIES, { entryBytes: 256 })))?.partitions).toHaveLength(2);
  });

  it('names both copies of itself as its own', async () => {
    const table = await tableOf(gptDisk(2048, ENTRIES));
    expect(table?.ownRanges).toEqual([
      { offsetBytes: 0, sizeBytes: 34 * SECTOR },
      { offsetBytes: (2048 - 33) * SECTOR, sizeBytes: 33 * SECTOR },
    ]);
  });

  it.each([
    ['header', 512 + 60],
    ['entries', 1024 + 40],
    ['signature', 512],
  ])('with a damaged %s is read from its backup, and says so', async (_, at) => {
    const disk = gptDisk(2048, ENTRIES);
    const whole = await tableOf(disk);
    disk.writeUInt8(disk.readUInt8(at) ^ 0xff, at);
    const table = await tableOf(disk);
    expect(table?.warnings.join()).toMatch(/backup/);
    expect({ ...table, warnings: [] }).toEqual(whole);
  });

  it('of which both copies are damaged is refused', async () => {
    const disk = gptDisk(2048, ENTRIES);
    disk.fill(0, 1024, 1100);
    disk.fill(0xff, 2047 * SECTOR, 2047 * SECTOR + 40);
    await expect(tableOf(disk)).rejects.toMatchObject(INVALID);
    await expect(tableOf(gptDisk(2048, ENTRIES).subarray(0, 512))).rejects.toMatchObject(INVALID);
  });

  it.each([
    ['before the usable sectors', { first: 20, last: 100 }],
    ['behind them', { first: 1000, last: 2040 }],
    ['that ends before it begins', { first: 700, last: 600 }],
  ])('with a partition %s is refused', async (_, place) => {
    const entry = { type: LINUX_DATA, guid: DISK_GUID, ...place };
    await expect(tableOf(gptDisk(2048, [entry]))).rejects.toMatchObject(INVALID);
  });

  it('beside partitions in its protective MBR is what counts, and that is said', async () => {
    const disk = gptDisk(2048, ENTRIES);
    putEntries(disk, 0, [
      { type: 0x0c, start: 256, sectors: 256 },
      { type: 0xee, start: 1, sectors: 255 },
    ]);
    const table = await tableOf(disk);
    expect(table?.scheme).toBe('gpt');
    expect(table?.warnings.join()).toMatch(/hybrid/);
  });
});
