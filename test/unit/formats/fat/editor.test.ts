import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FatChange } from '../../../../src/formats/fat/editor.js';
import { FatEditor } from '../../../../src/formats/fat/editor.js';
import { fatTime } from '../../../../src/formats/fat/new-entry.js';
import { openFileSystem, usedRanges } from '../../../../src/formats/file-systems.js';
import type { FileSystemReader } from '../../../../src/formats/file-system/file-system-reader.js';
import { SectorCache } from '../../../../src/formats/delta/sector-cache.js';
import type { FatShape } from '../../../helpers/fat-volume.js';
import { fatVolume } from '../../../helpers/fat-volume.js';
import { memoryDisk, type MemoryDisk } from '../../../helpers/fat32-disk.js';

const TIME = fatTime(1_700_000_000);
const SHAPES: readonly (FatShape & { readonly title: string })[] = [
  { title: 'FAT32', kind: 'fat32' },
  { title: 'FAT32 with sectors of 4,096 bytes', kind: 'fat32', sectorBytes: 4096 },
  { title: 'FAT32 whose second table counts', kind: 'fat32', activeTable: 1 },
  { title: 'FAT16', kind: 'fat16', rootEntries: 512 },
  { title: 'FAT12', kind: 'fat12', rootEntries: 512 },
];

const change = (path: string, text: string | undefined): FatChange => ({
  path,
  bytes: text === undefined ? undefined : Buffer.from(text),
});

async function steps(disk: MemoryDisk, changes: readonly FatChange[]) {
  return (await FatEditor.open(new SectorCache(disk.read), 0)).apply(changes, TIME);
}

async function edit(disk: MemoryDisk, changes: readonly FatChange[]): Promise<void> {
  for (const { offsetBytes, bytes } of (await steps(disk, changes)).flat()) disk.write(offsetBytes, bytes);
}

async function reader(disk: MemoryDisk): Promise<FileSystemReader> {
  const found = await openFileSystem(disk.read, disk.sizeBytes, 'the disk');
  if (found.reader === undefined) throw found.error ?? new Error('no FAT');
  return found.reader;
}

/** Every file and its text, as the reader has them. */
async function filesOf(disk: MemoryDisk): Promise<Readonly<Record<string, string>>> {
  const fat = await reader(disk);
  const files: Record<string, string> = {};
  for (const entry of await fat.entries()) {
    if (entry.kind === 'file') files[entry.path.slice(1)] = (await fat.bytes(entry)).toString();
  }
  return files;
}

describe.each(SHAPES)('the editor on a $title', (shape) => {
  it('writes, replaces and removes what the reader then finds, and gives all room back', async () => {
    const disk = fatVolume(shape);
    const { kind, freeBytes } = (await reader(disk)).facts;
    expect(kind).toBe(shape.kind);
    await edit(disk, [change('user-data', 'one'), change('a/b/deep file.txt', 'd'.repeat(9000)), change('EMPTY', '')]);
    expect(await filesOf(disk)).toEqual({ 'user-data': 'one', 'a/b/deep file.txt': 'd'.repeat(9000), EMPTY: '' });
    await edit(disk, [change('USER-DATA', 'two'.repeat(2000)), change('a/b/deep file.txt', undefined)]);
    expect(await filesOf(disk)).toEqual({ 'user-data': 'two'.repeat(2000), EMPTY: '' });
    await edit(disk, [change('user-data', undefined), change('EMPTY', undefined)]);
    expect(await filesOf(disk)).toEqual({});
    // The two folders stay.
    const clusterBytes = shape.sectorBytes ?? 512;
    expect((await reader(disk)).facts.freeBytes).toBe(freeBytes - 2 * clusterBytes);
  });

  it('does what was asked for, whatever it is, on a copy of what the file system calls used', async () => {
    const name = fc.constantFrom('a', 'B.TXT', 'b.txt', 'a long name.txt', 'ä', 'dir/x', 'dir/y y', 'dir/deep/z');
    const content = fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 2000 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.tuple(name, content), { maxLength: 4 }), { maxLength: 4 }),
        async (rounds) => {
          const disk = fatVolume(shape);
          const expected = new Map<string, string>();
          for (const round of rounds) {
            const changes = new Map(round.map(([path, text]) => [path.toLowerCase(), change(path, text)]));
            await edit(disk, [...changes.values()]);
            for (const [path, { bytes }] of changes) {
              if (bytes === undefined) expected.delete(path);
              else expected.set(path, Buffer.from(bytes).toString());
            }
          }
          const copy = memoryDisk(disk.sizeBytes);
          for (const range of (await usedRanges(disk.read, disk.sizeBytes))?.ranges ?? []) {
            copy.write(range.offsetBytes, await disk.read(range.offsetBytes, range.sizeBytes));
          }
          const found = Object.entries(await filesOf(copy)).map(([path, text]) => [path.toLowerCase(), text] as const);
          expect(new Map(found)).toEqual(expected);
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);

  it('leaves the old file or the new one, whenever it is cut off', async () => {
    const before = { 'user-data': 'old '.repeat(500), other: 'stays' };
    const make = async (): Promise<MemoryDisk> => {
      const disk = fatVolume(shape);
      await edit(
        disk,
        Object.entries(before).map(([path, text]) => change(path, text)),
      );
      return disk;
    };
    const after = 'new '.repeat(900);
    const planned = await steps(await make(), [change('user-data', after)]);
    for (let done = 0; done <= planned.length; done += 1) {
      const disk = await make();
      for (const { offsetBytes, bytes } of planned.slice(0, done).flat()) disk.write(offsetBytes, bytes);
      const found = await filesOf(disk);
      expect([before['user-data'], after]).toContain(found['user-data']);
      expect(found.other).toBe('stays');
    }
  });

  it('gives the volume a serial of its own', async () => {
    const disk = fatVolume(shape);
    const editor = await FatEditor.open(new SectorCache(disk.read), 0);
    expect(editor.serial).toBe('CAFEF00D');
    for (const { offsetBytes, bytes } of await editor.setSerial('0BADCAFE')) disk.write(offsetBytes, bytes);
    expect((await reader(disk)).facts.uuid).toBe('0BAD-CAFE');
  });
});

describe('the editor refuses', () => {
  it.each([
    ['a folder in the place of a file', 'folder', 'boot-path-invalid'],
    ['a file in the place of a folder', 'folder/file/x', 'boot-path-invalid'],
    ['a name that FAT cannot hold', 'what?', 'boot-path-invalid'],
    ['a name that ends with a dot', 'name.', 'boot-path-invalid'],
    ['a step out of its folder', '../x', 'boot-path-invalid'],
  ])('%s', async (_, path, code) => {
    const disk = fatVolume({ kind: 'fat16' });
    await edit(disk, [change('folder/file', 'x')]);
    await expect(steps(disk, [change(path, 'y')])).rejects.toMatchObject({ code });
  });

  it('a file that does not fit, and says how much is free', async () => {
    const disk = fatVolume({ kind: 'fat12' });
    await expect(steps(disk, [change('x', 'x'.repeat(201 * 512))])).rejects.toMatchObject({
      code: 'boot-partition-full',
      message: expect.stringContaining('100 KiB free') as string,
    });
  });

  it('more names than the root folder of a FAT16 has room for', async () => {
    const disk = fatVolume({ kind: 'fat16', rootEntries: 16 });
    const names = Array.from({ length: 17 }, (_, index) => change(`F${index}`, 'x'));
    await edit(disk, names.slice(0, 16));
    await expect(steps(disk, names)).rejects.toMatchObject({ code: 'boot-partition-full' });
  });

  it.each([
    ['what is no FAT', 510, [0, 0], 'boot-partition-not-fat32'],
    ['a FAT without a table', 22, [0, 0], 'boot-partition-not-fat32'],
    ['a sector size that no FAT has', 11, [0, 3], 'boot-partition-not-fat32'],
  ])('%s', async (_, place, bytes, code) => {
    const disk = fatVolume({ kind: 'fat16' });
    disk.write(place, Uint8Array.from(bytes));
    await expect(FatEditor.open(new SectorCache(disk.read), 0)).rejects.toMatchObject({ code });
  });

  it.each([
    ['leads nowhere', [0xf0, 0xff]],
    ['goes in circles', [0x02, 0x00]],
  ])('a file whose chain of clusters %s', async (_, entry) => {
    const disk = fatVolume({ kind: 'fat16' });
    await edit(disk, [change('x', 'x'.repeat(2000))]);
    // The table begins behind 8 reserved sectors; the file has cluster 2.
    disk.write(8 * 512 + 2 * 2, Uint8Array.from(entry));
    await expect(steps(disk, [change('x', 'y')])).rejects.toMatchObject({ code: 'boot-partition-damaged' });
    const fat = await reader(disk);
    await expect(fat.readFile('/x')).rejects.toMatchObject({ code: 'file-system-corrupt' });
  });
});
