import { describe, expect, it } from 'vitest';
import { openFileSystem, usedRanges } from '../../../src/formats/file-systems.js';
import { extFixture, readFrom } from '../../helpers/ext-fixture.js';
import { fatVolume } from '../../helpers/fat-volume.js';

const find = (bytes: Uint8Array) => openFileSystem(readFrom(bytes), bytes.length, 'partition 2 of x.img');

function withBytes(bytes: Buffer, offset: number, text: string): Buffer {
  bytes.write(text, offset, 'latin1');
  return bytes;
}

describe('what is in a partition', () => {
  it.each([
    ['squashfs', 0, 'hsqs'],
    ['btrfs', 0x10040, '_BHRfS_M'],
    ['exFAT', 3, 'EXFAT   '],
    ['LUKS', 0, 'LUKS\xba\xbe'],
    ['swap', 4086, 'SWAPSPACE2'],
    ['LVM2', 536, 'LVM2 001'],
  ])('%s is named, and not read', async (name, offset, magic) => {
    const bytes = withBytes(Buffer.alloc(2 ** 17), offset, magic);
    expect(await find(bytes)).toMatchObject({
      other: name,
      error: { code: 'file-system-not-read', message: `Partition 2 of x.img is not read: uses ${name}` },
    });
    expect(await usedRanges(readFrom(bytes), bytes.length)).toBeUndefined();
  });

  it.each([0, 100, 1024, 2 ** 17])('%i bytes of zeros are nothing known', async (size) => {
    expect(await find(Buffer.alloc(size))).toEqual({});
    expect(await usedRanges(readFrom(Buffer.alloc(size)), size)).toBeUndefined();
  });

  it('an old signature beside a file system that is read is told, and all of it is copied', async () => {
    const bytes = withBytes(extFixture('ext4'), 0x10040, '_BHRfS_M');
    expect(await find(bytes)).toMatchObject({ signature: 'btrfs', reader: { facts: { kind: 'ext4' } } });
    expect(await usedRanges(readFrom(bytes), bytes.length)).toBeUndefined();
  });

  it('of two file systems at once none is read', async () => {
    const bytes = extFixture('ext4');
    const fat = fatVolume({ kind: 'fat16' });
    bytes.set(await fat.read(0, 512));
    const found = await find(bytes);
    expect(found.reader).toBeUndefined();
    expect(found.error).toMatchObject({
      code: 'file-system-not-read',
      message: 'Partition 2 of x.img is not read: uses the signatures of ext4 and fat16 at once',
    });
    expect(await usedRanges(readFrom(bytes), bytes.length)).toBeUndefined();
  });

  it('a partition that is shorter than its file system is damaged', async () => {
    const bytes = extFixture('ext4').subarray(0, 2 ** 20);
    expect(await find(bytes)).toMatchObject({ other: 'ext4', error: { code: 'file-system-corrupt' } });
    const fat = fatVolume({ kind: 'fat16' });
    expect(await find(await fat.read(0, 2 ** 20))).toMatchObject({ error: { code: 'file-system-corrupt' } });
  });
});
