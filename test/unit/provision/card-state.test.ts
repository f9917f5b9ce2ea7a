import { describe, expect, it } from 'vitest';
import { readCardState } from '../../../src/provision/reseed-image.js';
import { extFixture, readFrom } from '../../helpers/ext-fixture.js';
import { fatVolume } from '../../helpers/fat-volume.js';

const START = 4096;

/** A disk with an MBR, a FAT and what is given as the second partition. */
async function diskOf(system?: Buffer): Promise<Buffer> {
  const fat = fatVolume({ kind: 'fat12' });
  const contents = [Buffer.from(await fat.read(0, fat.sizeBytes)), ...(system === undefined ? [] : [system])];
  const table = Buffer.alloc(START);
  table.writeUInt32LE(0x1234_abcd, 440);
  table.writeUInt16BE(0x55aa, 510);
  let at = START;
  for (const [index, content] of contents.entries()) {
    table.writeUInt8(index === 0 ? 0x0c : 0x83, 446 + index * 16 + 4);
    table.writeUInt32LE(at / 512, 446 + index * 16 + 8);
    table.writeUInt32LE(content.length / 512, 446 + index * 16 + 12);
    at += content.length;
  }
  return Buffer.concat([table, ...contents]);
}

async function stateOf(system?: Buffer) {
  const disk = await diskOf(system);
  return readCardState(readFrom(disk), disk.length, 'card.img');
}

describe('what a card has been', () => {
  it.each(['ext4', 'ext3', 'ext2', 'inline-data', 'bigalloc', 'meta-bg'])('is nothing on a new %s', async (name) => {
    expect(await stateOf(extFixture(name))).toEqual({
      hasBooted: false,
      instances: [],
      manualCacheClean: false,
      disabled: false,
      needsRecovery: false,
    });
  });

  it.each(['booted-ext2', 'booted-inline-data'])('is what cloud-init left there (%s)', async (name) => {
    expect(await stateOf(extFixture(name))).toEqual({
      hasBooted: true,
      instanceId: 'second',
      instances: ['first', 'second'],
      manualCacheClean: true,
      disabled: true,
      needsRecovery: false,
    });
  });

  it('may be newer in the journal', async () => {
    const bytes = extFixture('ext3');
    bytes[1024 + 0x60] = (bytes[1024 + 0x60] ?? 0) | 4;
    expect(await stateOf(bytes)).toMatchObject({ needsRecovery: true });
  });

  it('is nothing where all of the system is on the FAT', async () => {
    expect(await stateOf()).toMatchObject({ hasBooted: false, instances: [] });
  });

  it.each<[string, Buffer, string]>([
    ['btrfs', Buffer.concat([Buffer.alloc(0x10040), Buffer.from('_BHRfS_M'), Buffer.alloc(504)]), 'btrfs'],
    ['nothing known', Buffer.alloc(2 ** 17), 'no file system that is known'],
    ['a damaged ext4', extFixture('ext4').fill(0xff, 1024 + 0x58, 1024 + 0x5a), 'damaged'],
  ])('cannot be told of a root with %s', async (_, bytes, word) => {
    await expect(stateOf(bytes)).rejects.toMatchObject({
      code: 'root-not-read',
      message: expect.stringContaining(word) as string,
    });
  });
});
