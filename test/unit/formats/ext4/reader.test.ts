import { describe, expect, it } from 'vitest';
import { usedRanges } from '../../../../src/formats/file-systems.js';
import type { FileSystemReader } from '../../../../src/formats/file-system/file-system-reader.js';
import { sha256 } from '../../../../src/model/sha256.js';
import { EXT_FIXTURES, FSTAB, TREE, extFixture, findIn, readFrom, readerOf } from '../../../helpers/ext-fixture.js';

const SUPERBLOCK = 1024;
const INCOMPAT = SUPERBLOCK + 0x60;

const named = (content: Buffer | string): string => (typeof content === 'string' ? `to ${content}` : sha256(content));
const EXPECTED = Object.fromEntries(Object.entries(TREE).map(([path, content]) => [path, named(content)]));

async function treeOf(reader: FileSystemReader): Promise<Readonly<Record<string, string>>> {
  const tree: Record<string, string> = {};
  for (const entry of await reader.entries()) {
    if (entry.kind === 'file') tree[entry.path] = named(await reader.bytes(entry));
    if (entry.kind === 'link') tree[entry.path] = named(entry.target ?? '');
  }
  return tree;
}

function withFeature(bytes: Buffer, bit: number): Buffer {
  bytes.writeUInt32LE((bytes.readUInt32LE(INCOMPAT) | bit) >>> 0, INCOMPAT);
  return bytes;
}

describe.each(EXT_FIXTURES)('%s', (name) => {
  const bytes = extFixture(name);

  it('gives every file, name and link as it was put in', async () => {
    expect(await treeOf(await readerOf(bytes))).toEqual(EXPECTED);
  });

  it('gives what it says of itself', async () => {
    const kind = name === 'ext2' || name === 'ext3' ? name : 'ext4';
    expect((await readerOf(bytes)).facts).toMatchObject({
      kind,
      label: 'fixture',
      uuid: '01234567-89ab-4cde-8f01-23456789abcd',
      sizeBytes: bytes.length,
      dirty: false,
    });
  });

  it('is whole with nothing but the ranges that it uses', async () => {
    const garbage = Buffer.alloc(bytes.length, 0x5a);
    const ranges = (await usedRanges(readFrom(bytes), bytes.length))?.ranges;
    if (ranges === undefined) throw new Error('no ranges');
    for (const { offsetBytes, sizeBytes } of ranges) {
      bytes.copy(garbage, offsetBytes, offsetBytes, offsetBytes + sizeBytes);
    }
    expect(await treeOf(await readerOf(garbage))).toEqual(EXPECTED);
    const free = bytes.length - ranges.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { freeBytes } = (await readerOf(bytes)).facts;
    // What is reserved for growth, and inode tables, count as used in both.
    expect(free).toBe(freeBytes);
  });

  it('counts what is behind its end as used', async () => {
    const longer = Buffer.concat([bytes, Buffer.alloc(4096)]);
    const ranges = (await usedRanges(readFrom(longer), longer.length))?.ranges;
    const last = ranges?.at(-1);
    expect((last?.offsetBytes ?? 0) + (last?.sizeBytes ?? 0)).toBe(longer.length);
    expect((await readerOf(longer)).facts.sizeBytes).toBe(bytes.length);
  });

  it('follows links to a file, and not in circles', async () => {
    const reader = await readerOf(bytes);
    expect((await reader.readFile('/short'))?.toString()).toBe(FSTAB);
    expect((await reader.readFile('long'))?.toString()).toBe(FSTAB);
    expect(await reader.readFile('/loop')).toBeUndefined();
    expect(await reader.readFile('/etc')).toBeUndefined();
    expect(await reader.readFile('/etc/fstab/x')).toBeUndefined();
    expect((await reader.list('/etc'))?.map(({ path }) => path).toSorted()).toEqual(['/etc/fstab', '/etc/hostname']);
    expect(await reader.list('/none')).toBeUndefined();
  });

  it('says where the bytes of a file are', async () => {
    const reader = await readerOf(bytes);
    const big = await reader.find('/big');
    if (big === undefined) throw new Error('no file');
    const parts = (await reader.places(big)).map(({ offsetBytes, sizeBytes }) =>
      bytes.subarray(offsetBytes, offsetBytes + sizeBytes),
    );
    expect(Buffer.concat(parts).equals(TREE['/big'] as Buffer)).toBe(true);
  });
});

describe('what is not read is named', () => {
  it.each([
    [0x1, 'compression'],
    [0x8, 'journal_dev'],
    [0x1000, 'dirdata'],
    [0x40000, 'feature 0x40000'],
    [0x8000_0000, 'feature 0x80000000'],
  ])('feature %i', async (bit, word) => {
    const bytes = withFeature(extFixture('ext4'), bit);
    const { reader, other, error } = await findIn(bytes);
    expect(reader).toBeUndefined();
    expect(other).toBe('ext4');
    expect(error).toMatchObject({
      code: 'file-system-not-read',
      message: expect.stringContaining(`is not read: uses ${word}`) as string,
    });
    expect(await usedRanges(readFrom(bytes), bytes.length)).toBeUndefined();
  });

  it('encrypted folders, files and links, among others that are read', async () => {
    const reader = await readerOf(extFixture('encrypted'));
    const entries = new Map((await reader.entries()).map((entry) => [entry.path, entry]));
    for (const path of ['/etc', '/big', '/short']) expect(entries.get(path)?.notRead).toBe('encrypt');
    expect(entries.get('/short')?.target).toBeUndefined();
    expect(entries.has('/etc/fstab')).toBe(false);
    expect((await reader.readFile('/grün'))?.toString()).toBe('utf-8\n');
    await expect(reader.readFile('/big')).rejects.toMatchObject({
      code: 'file-system-not-read',
      message: '/big in the partition is not read: uses encrypt',
    });
    await expect(reader.readFile('/short')).rejects.toMatchObject({ code: 'file-system-not-read' });
  });

  it('content that is in its inode has no place of its own', async () => {
    const reader = await readerOf(extFixture('inline-data'));
    const fstab = await reader.find('/etc/fstab');
    if (fstab === undefined) throw new Error('no file');
    await expect(reader.places(fstab)).rejects.toMatchObject({
      code: 'file-system-not-read',
      message: expect.stringContaining('inline_data') as string,
    });
  });

  it('a journal that is to be played back', async () => {
    const bytes = withFeature(extFixture('ext3'), 0x4);
    expect((await readerOf(bytes)).facts.dirty).toBe(true);
    expect(await usedRanges(readFrom(bytes), bytes.length)).toBeUndefined();
  });
});

describe('damage', () => {
  it.each([
    ['a superblock whose checksum is wrong', 'ext4-csum', SUPERBLOCK + 0x20, [1, 2, 3]],
    ['impossible numbers', 'ext4', SUPERBLOCK + 0x58, [0x81, 0]],
    ['descriptors that point beyond its end', 'ext4', 2048 + 8, [0xff, 0xff, 0xff, 0x7f]],
    ['more blocks than its partition', 'ext4', SUPERBLOCK + 4, [0xff, 0xff, 0, 0]],
  ])('%s is said', async (_, name, place, change) => {
    const bytes = extFixture(name);
    bytes.set(change, place);
    const { reader, error } = await findIn(bytes);
    const failure = error ?? (await reader?.entries().catch((thrown: unknown) => thrown));
    expect(failure).toMatchObject({ code: 'file-system-corrupt' });
    expect(await usedRanges(readFrom(bytes), bytes.length)).toBeUndefined();
  });

  it('of any kind ends in an answer or in an error of ours', async () => {
    let seed = 11;
    const random = (limit: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % limit;
    for (let round = 0; round < 150; round += 1) {
      const bytes = extFixture(EXT_FIXTURES[round % 6] ?? 'ext4');
      for (let count = 0; count < 40; count += 1) bytes[1024 + random(200 * 1024)] = random(256);
      const outcome = await readerOf(bytes)
        .then(treeOf)
        .then(
          () => 'read',
          (error: unknown) => (error as { code?: string; message: string }).code ?? (error as Error).message,
        );
      expect(['read', 'file-system-corrupt', 'file-system-not-read', 'no file system']).toContain(outcome);
      await usedRanges(readFrom(bytes), bytes.length);
    }
  }, 60_000);
});
