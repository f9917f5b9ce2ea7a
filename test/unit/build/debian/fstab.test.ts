import { describe, expect, it } from 'vitest';
import { fstabRows } from '../../../../src/build/debian/root-tree-node.js';
import { identify } from '../../../../src/disk/identity.js';
import { formatFstab } from '../../../../src/formats/fstab.js';
import type { ImageSpec, PartitionSpec } from '../../../../src/model/image-spec.js';
import { twoPartitions } from '../../../helpers/two-partitions.js';

function rowsOf(more: readonly Partial<PartitionSpec>[] = []): readonly string[][] {
  const spec = twoPartitions({ id: 'rpi4' });
  const data = {
    role: 'data',
    volume: 'root',
    startBytes: 'auto',
    readOnly: false,
    grow: false,
    logical: false,
  } as const;
  const partitions = [...spec.partitions, ...more.map((one) => ({ ...data, name: 'data', ...one }))];
  const root = { kind: 'partition', partition: 'root' } as const;
  const identity = identify('rpi4', 'mbr', partitions);
  const text = formatFstab(fstabRows({ ...spec, root, partitions } as unknown as ImageSpec, identity));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
}

describe('fstab', () => {
  it('mounts both partitions by PARTUUID and hides seeds from all but root', () => {
    const rows = rowsOf();
    expect(rows.map(([source, mount, type]) => [source, mount, type])).toEqual([
      ['PARTUUID=96627196-02', '/', 'ext4'],
      ['PARTUUID=96627196-01', '/boot', 'vfat'],
    ]);
    expect(rows[1]?.[3]?.split(',')).toContain('umask=0077');
    expect(rows.every((row) => row.length === 6)).toBe(true);
  });

  it('mounts a data partition, behind what it is below, and lets the device start without it', () => {
    const rows = rowsOf([{ name: 'inner', mount: '/data/inner' }, { name: 'data', mount: '/data' }, { name: 'spare' }]);
    expect(rows.map(([source, mount]) => [source, mount])).toEqual([
      ['PARTUUID=96627196-02', '/'],
      ['PARTUUID=96627196-01', '/boot'],
      ['PARTUUID=96627196-04', '/data'],
      ['PARTUUID=96627196-03', '/data/inner'],
    ]);
    expect(rows[2]?.[3]?.split(',')).toContain('nofail');
    expect(rows[2]?.[5]).toBe('2');
  });

  it('mounts read-only what is never written', () => {
    expect(
      rowsOf([{ mount: '/fixed', readOnly: true }])
        .at(-1)?.[3]
        ?.split(','),
    ).toContain('ro');
  });
});
