import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootOverlay, openBootPartition, wrongBootFiles } from '../../../src/images/edit-boot-files.js';
import type { DeltaFile } from '../../../src/formats/delta/image-delta.js';
import { decodeDelta, encodeDelta, deltaBytes, readThrough } from '../../../src/formats/delta/image-delta.js';
import { fat32Disk, type MemoryDisk } from '../../helpers/fat32-disk.js';

const EPOCH = 1_790_000_000;
type Files = Readonly<Record<string, string | undefined>>;

async function plan(disk: MemoryDisk, files: Files) {
  const view = await openBootPartition(disk.read, disk.sizeBytes);
  return view.edit({ files: new Map(Object.entries(files)), sourceDateEpoch: EPOCH });
}

async function inject(disk: MemoryDisk, files: Files): Promise<void> {
  for (const { offsetBytes, bytes } of (await plan(disk, files)).steps.flat()) disk.write(offsetBytes, bytes);
}

async function read(disk: MemoryDisk, path: string): Promise<string | undefined> {
  const bytes = await (await openBootPartition(disk.read, disk.sizeBytes)).readFile(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

describe('files of a FAT partition', () => {
  it('are written, read, changed and removed', async () => {
    const disk = fat32Disk();
    await inject(disk, { 'user-data': 'one', 'a/b/deep file.txt': 'deep', 'CONFIG.TXT': '' });
    expect(await read(disk, 'user-data')).toBe('one');
    expect(await read(disk, 'USER-DATA')).toBe('one');
    expect(await read(disk, 'a/b/Deep File.txt')).toBe('deep');
    expect(await read(disk, 'config.txt')).toBe('');
    await inject(disk, { 'user-data': 'two'.repeat(1000), 'a/b/deep file.txt': undefined });
    expect(await read(disk, 'user-data')).toBe('two'.repeat(1000));
    expect(await read(disk, 'a/b/deep file.txt')).toBeUndefined();
    const view = await openBootPartition(disk.read, disk.sizeBytes);
    expect(await view.names()).toEqual(['user-data', 'a', 'CONFIG.TXT']);
  });

  it('that are there already change nothing', async () => {
    const disk = fat32Disk();
    await inject(disk, { 'user-data': 'one', 'meta-data': 'x' });
    expect((await plan(disk, { 'user-data': 'one', 'meta-data': 'x', gone: undefined })).steps).toEqual([]);
  });

  it('leave no trace of what was there before', async () => {
    const disk = fat32Disk();
    await inject(disk, { 'user-data': 'old secret' });
    await inject(disk, { 'user-data': 'new' });
    const all = Buffer.from(await disk.read(0, 1024 * 1024));
    expect(all.includes('new')).toBe(true);
    expect(all.includes('old secret')).toBe(false);
  });

  it('make a folder grow when its entries are full', async () => {
    const disk = fat32Disk();
    const names = Array.from({ length: 60 }, (_, index) => `a file with a long name, number ${index}.txt`);
    await inject(disk, Object.fromEntries(names.map((name) => [name, name])));
    for (const name of names) expect(await read(disk, name)).toBe(name);
  });

  it.each([
    ['a//b', 'boot-path-invalid'],
    ['../x', 'boot-path-invalid'],
    ['a:b', 'boot-path-invalid'],
    ['x/', 'boot-path-invalid'],
  ])('must not be called %s', async (path, code) => {
    await expect(plan(fat32Disk(), { [path]: 'x' })).rejects.toMatchObject({ code });
  });

  it('are refused where a folder has the name, or the room is not there', async () => {
    const disk = fat32Disk();
    await inject(disk, { 'a/b': 'x' });
    await expect(plan(disk, { a: 'x' })).rejects.toMatchObject({ code: 'boot-path-invalid' });
    await expect(plan(disk, { 'a/b/c': 'x' })).rejects.toMatchObject({ code: 'boot-path-invalid' });
    const full = fat32Disk({ freeClusters: 2 });
    await expect(plan(full, { 'user-data': 'x'.repeat(1025) })).rejects.toMatchObject({ code: 'boot-partition-full' });
    await inject(full, { 'user-data': 'x'.repeat(1024) });
    expect(await read(full, 'user-data')).toBe('x'.repeat(1024));
  });
});

describe('an edit', () => {
  it('leaves the old file or the new one, whenever it is cut off', async () => {
    const before = { 'user-data': 'old '.repeat(400), 'meta-data': 'old' };
    const after = { 'user-data': 'new '.repeat(500), 'meta-data': 'new', 'extra file': 'new' };
    const disk = fat32Disk();
    await inject(disk, before);
    const writes = (await plan(disk, after)).steps.flat();
    for (let cut = 0; cut <= writes.length; cut += 1) {
      const copy = fat32Disk();
      await inject(copy, before);
      for (const { offsetBytes, bytes } of writes.slice(0, cut)) copy.write(offsetBytes, bytes);
      for (const name of ['user-data', 'meta-data'] as const) {
        expect([before[name], after[name]]).toContain(await read(copy, name));
      }
      await inject(copy, after);
      for (const [name, content] of Object.entries(after)) expect(await read(copy, name)).toBe(content);
    }
  });

  it('reads tens of KiB and changes a few sectors', async () => {
    const disk = fat32Disk();
    await inject(disk, { 'user-data': 'x'.repeat(2000), 'meta-data': 'x', 'network-config': 'x' });
    disk.readBytes = 0;
    const { overlay } = await plan(disk, { 'user-data': 'y'.repeat(2000), 'meta-data': 'y', 'network-config': 'y' });
    expect(disk.readBytes).toBeLessThan(64 * 1024);
    expect(deltaBytes(overlay)).toBeLessThan(16 * 1024);
  });

  it('can give the volume a serial of its own', async () => {
    const disk = fat32Disk();
    const overlay = await bootOverlay(disk.read, disk.sizeBytes, {
      files: new Map(),
      sourceDateEpoch: EPOCH,
      fatSerial: '0BADCAFE',
    });
    const view = await openBootPartition(readThrough(disk.read, overlay), disk.sizeBytes);
    expect(view.serial).toBe('0BADCAFE');
    // The boot sector and its copy.
    expect(overlay.extents).toHaveLength(2);
  });

  it('is found wrong by reading back what was not written', async () => {
    const disk = fat32Disk();
    const files = new Map([['user-data', 'x']]);
    expect(await wrongBootFiles(disk.read, disk.sizeBytes, files)).toEqual(['user-data']);
    await inject(disk, { 'user-data': 'x' });
    expect(await wrongBootFiles(disk.read, disk.sizeBytes, files)).toEqual([]);
  });
});

describe('what is no image', () => {
  it.each([
    ['zeros', 510, Buffer.alloc(2), 'not-an-image'],
    ['a disk without a FAT', 446 + 4, Buffer.from([0x83]), 'no-boot-partition'],
    [
      'an image whose root partition is cut off',
      446 + 16 + 4,
      Buffer.from([0x83, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
      'image-truncated',
    ],
    ['a partition without a FAT32', 8 * 512 + 36, Buffer.alloc(4), 'boot-partition-not-fat32'],
    ['a FAT whose chains go astray', 8 * 512 + 44, Buffer.from([0xff, 0xff, 0xff, 0]), 'boot-partition-damaged'],
  ])('is refused: %s', async (_, place, bytes, code) => {
    const disk = fat32Disk();
    disk.write(place, bytes);
    await expect(plan(disk, { x: 'x' })).rejects.toMatchObject({ code });
  });

  it('is refused when it is cut off', async () => {
    const disk = fat32Disk();
    await expect(openBootPartition(disk.read, 1024 * 1024)).rejects.toMatchObject({ code: 'image-truncated' });
  });
});

describe('an overlay', () => {
  it('is the same for the same image and changes, and gives the image of the device', async () => {
    const disk = fat32Disk();
    await inject(disk, { 'user-data': 'base' });
    const changes = { files: new Map([['user-data', 'device']]), sourceDateEpoch: EPOCH };
    const overlay = await bootOverlay(disk.read, disk.sizeBytes, changes);
    expect(await bootOverlay(disk.read, disk.sizeBytes, changes)).toEqual(overlay);
    const through = readThrough(disk.read, overlay);
    expect(await wrongBootFiles(through, disk.sizeBytes, changes.files)).toEqual([]);
    const { steps } = await (await openBootPartition(disk.read, disk.sizeBytes)).edit(changes);
    for (const { offsetBytes, bytes } of steps.flat()) disk.write(offsetBytes, bytes);
    for (const { offsetBytes, bytes } of overlay.extents) {
      expect(Buffer.compare(await disk.read(offsetBytes, bytes.length), bytes)).toBe(0);
    }
  });

  it('comes back from its file as it was', () => {
    const baseSha256 = 'ab'.repeat(32);
    const extents = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }).map((sizes) => {
      let offsetBytes = 0;
      return sizes.map((sectors, index) => {
        const bytes = Buffer.alloc(sectors * 512, index);
        const extent = { offsetBytes, bytes };
        offsetBytes += bytes.length + 512 * (index % 3);
        return extent;
      });
    });
    fc.assert(
      fc.property(extents, (found) => {
        const overlay = { imageSizeBytes: 2 ** 33, extents: found };
        // As text: vitest compares buffers byte by byte, which takes seconds for all of these.
        const inWords = ({ overlay: { imageSizeBytes, extents: all }, baseSha256: base }: DeltaFile) => [
          imageSizeBytes,
          base,
          ...all.map(({ offsetBytes, bytes }) => `${offsetBytes} ${Buffer.from(bytes).toString('base64')}`),
        ];
        const file = { overlay, baseSha256 };
        expect(inWords(decodeDelta(encodeDelta(file)))).toEqual(inWords(file));
      }),
    );
  });

  it('is refused when a byte of its file is wrong or missing', () => {
    const overlay = { imageSizeBytes: 4096, extents: [{ offsetBytes: 512, bytes: Buffer.alloc(512, 1) }] };
    const file = encodeDelta({ overlay, baseSha256: '00'.repeat(32) });
    for (let place = 0; place < file.length; place += 7) {
      const changed = Uint8Array.from(file);
      changed[place] = (changed[place] ?? 0) ^ 1;
      expect(() => decodeDelta(changed)).toThrow(expect.objectContaining({ code: 'overlay-invalid' }));
      expect(() => decodeDelta(file.subarray(0, place))).toThrow(expect.objectContaining({ code: 'overlay-invalid' }));
    }
  });
});
