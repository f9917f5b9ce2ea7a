import { describe, expect, it } from 'vitest';
import type { Extent } from '../../../src/formats/delta/image-delta.js';
import type { Partition } from '../../../src/model/partition-table.js';
import { diskIdExtents } from '../../../src/provision/disk-id.js';
import { extFixture, FSTAB, readFrom, readerOf } from '../../helpers/ext-fixture.js';
import { fatVolume } from '../../helpers/fat-volume.js';

const START = 4096;
const ROOT = 'console=tty1 root=PARTUUID=1234abcd-02 rootwait';
const NEW_ID = '0badcafe';

/** A disk whose partitions are those bytes; the first is a FAT, as number 1. */
async function diskOf(...systems: readonly Buffer[]): Promise<{ bytes: Buffer; partitions: Partition[] }> {
  const fat = fatVolume({ kind: 'fat12' });
  const contents = [Buffer.from(await fat.read(0, fat.sizeBytes)), ...systems];
  const parts: Buffer[] = [Buffer.alloc(START)];
  let offsetBytes = START;
  const partitions = contents.map((content, index): Partition => {
    const number = index + 1;
    const names = { typeName: '', bootable: false, partUuid: `1234abcd-0${number}` };
    const type = index === 0 ? 0x0c : 0x83;
    const partition = { number, type, ...names, offsetBytes, sizeBytes: content.length };
    parts.push(content);
    offsetBytes += content.length;
    return partition;
  });
  return { bytes: Buffer.concat(parts), partitions };
}

async function change(systems: readonly Buffer[], commandLine = ROOT) {
  const disk = await diskOf(...systems);
  const mbr = { diskId: '1234abcd', partitions: disk.partitions };
  return { disk, extents: await diskIdExtents(readFrom(disk.bytes), mbr, NEW_ID, commandLine) };
}

function write(bytes: Buffer, extents: readonly Extent[]): void {
  for (const extent of extents) bytes.set(extent.bytes, extent.offsetBytes);
}

/** Puts text of the same length into the place of all that is the same. */
function replaced(bytes: Buffer, before: string, after: string): Buffer {
  expect(after).toHaveLength(before.length);
  return Buffer.from(bytes.toString('latin1').replaceAll(before, after), 'latin1');
}

function btrfs(): Buffer {
  const bytes = Buffer.alloc(2 ** 17);
  bytes.write('_BHRfS_M', 0x10040);
  return bytes;
}

describe('another id of a disk', () => {
  it.each(['ext4', 'ext4-csum', 'ext3', 'ext2', 'bigalloc', 'meta-bg'])(
    'is in the fstab of a root on %s',
    async (name) => {
      const { disk, extents } = await change([extFixture(name)]);
      write(disk.bytes, extents);
      const [, root] = disk.partitions;
      const reader = await readerOf(disk.bytes.subarray(root?.offsetBytes));
      expect((await reader.readFile('/etc/fstab'))?.toString()).toBe(FSTAB.replaceAll('1234abcd', NEW_ID));
      expect(disk.bytes.readUInt32LE(440).toString(16)).toBe('badcafe');
    },
  );

  it('changes nothing but these bytes', async () => {
    const { disk, extents } = await change([extFixture('ext4')]);
    const before = Buffer.from(disk.bytes);
    write(disk.bytes, extents);
    const different = [...disk.bytes.keys()].filter((at) => before[at] !== disk.bytes[at]);
    expect(different.length).toBeLessThanOrEqual(4 + 2 * NEW_ID.length);
  });

  it('is in the fstab of both systems of an image', async () => {
    const { disk, extents } = await change([extFixture('ext4'), extFixture('ext2')]);
    write(disk.bytes, extents);
    for (const { offsetBytes, sizeBytes } of disk.partitions.slice(1)) {
      const reader = await readerOf(disk.bytes.subarray(offsetBytes, offsetBytes + sizeBytes));
      expect((await reader.readFile('/etc/fstab'))?.toString()).toContain(`PARTUUID=${NEW_ID}-02`);
    }
  });

  it('needs nothing of an fstab that names no disk', async () => {
    const root = replaced(extFixture('ext4'), 'PARTUUID=1234abcd', 'LABEL=the-root-fs');
    const { extents } = await change([root]);
    expect(extents).toHaveLength(1);
  });

  it('leaves a partition alone that is not the root and cannot be read', async () => {
    const { extents } = await change([extFixture('ext4'), btrfs()]);
    expect(extents.length).toBeGreaterThan(1);
  });

  it.each<[string, string, () => readonly Buffer[], string, string?]>([
    ['a root on btrfs', 'root-not-read', () => [btrfs()], 'btrfs'],
    ['a root on btrfs that the command line does not name', 'root-not-read', () => [btrfs()], 'btrfs', 'root=LABEL=x'],
    ['a root of no known kind', 'root-not-read', () => [Buffer.alloc(2 ** 17)], 'no file system that is known'],
    [
      'a root with a feature that is not read',
      'root-not-read',
      () => {
        const bytes = extFixture('ext4');
        bytes[1024 + 0x60] = (bytes[1024 + 0x60] ?? 0) | 1;
        return [bytes];
      },
      'compression',
    ],
    ['a damaged root', 'root-not-read', () => [extFixture('ext4').fill(0xff, 1024 + 0x58, 1024 + 0x5a)], 'damaged'],
    ['an fstab in its inode', 'fstab-not-editable', () => [extFixture('inline-data')], 'inline_data'],
    [
      'a journal that is to be played back',
      'fstab-not-editable',
      () => {
        const bytes = extFixture('ext3');
        bytes[1024 + 0x60] = (bytes[1024 + 0x60] ?? 0) | 4;
        return [bytes];
      },
      'journal',
    ],
    [
      'a line that names the disk in another way',
      'fstab-not-editable',
      () => [replaced(extFixture('ext4'), 'PARTUUID=1234abcd', 'MYOWN-ID:1234abcd')],
      'MYOWN-ID:1234abcd-02 / ext4',
    ],
    [
      'a root without an fstab',
      'fstab-not-found',
      () => [replaced(extFixture('ext4'), 'fstab', 'fstub')],
      '/etc/fstab',
    ],
    ['a root whose /etc is encrypted', 'fstab-not-editable', () => [extFixture('encrypted')], 'encrypt'],
  ])('is refused with %s', async (_, code, systems, word, commandLine) => {
    await expect(change(systems(), commandLine)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(word) as string,
      exitCode: 2,
    });
  });

  it('changes /dev/disk/by-partuuid too', async () => {
    const padded = replaced(
      extFixture('ext4'),
      'PARTUUID=1234abcd-02 / ext4 defaults 0 1\nPARTUUID=1234abcd-01',
      '/dev/disk/by-partuuid/1234abcd-02 / auto\nPARTUUID=1234abcd-01',
    );
    const { disk, extents } = await change([padded]);
    write(disk.bytes, extents);
    expect(disk.bytes.includes(`/dev/disk/by-partuuid/${NEW_ID}-02 / auto\nPARTUUID=${NEW_ID}-01`)).toBe(true);
  });
});
