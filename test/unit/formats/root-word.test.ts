import { expect, it } from 'vitest';
import { partitionNamed, rootWordOf } from '../../../src/formats/root-word.js';
import type { Partition } from '../../../src/model/partition-table.js';

const partitions = [1, 2, 3, 10].map((number): Partition => ({
  number,
  type: 0x83,
  typeName: 'Linux',
  bootable: false,
  offsetBytes: number,
  sizeBytes: 1,
  name: `part ${number}`,
  partUuid: number === 3 ? 'aaaaaaaa-0000-4000-8000-000000000003' : `1234abcd-${number.toString(16).padStart(2, '0')}`,
}));

it.each([
  ['console=tty1 root=PARTUUID=1234abcd-02 rw', 2],
  ['root=PARTUUID=1234ABCD-0A', 10],
  ['root=PARTUUID=AAAAAAAA-0000-4000-8000-000000000003', 3],
  ['root=PARTUUID=1234abcd-01/PARTNROFF=1', 2],
  ['root=PARTUUID=99999999-02', undefined],
  ['root="PARTLABEL=part 2" rw', 2],
  ['root=PARTLABEL=none', undefined],
  ['root=LABEL=label-3', 3],
  ['root=UUID=UUID-2', 2],
  ['root=/dev/disk/by-label/label-2', 2],
  ['root=/dev/disk/by-uuid/uuid-3', 3],
  ['root=/dev/disk/by-partuuid/1234abcd-01', 1],
  ['root=/dev/mmcblk0p3', 3],
  ['root=/dev/nvme0n1p10', 10],
  ['root=/dev/sda1', 1],
  ['root=/dev/sda1 root=/dev/vda2', 2],
  ['root=/dev/ram0 rw', undefined],
  ['root=/dev/nfs nfsroot=10.0.0.1:/x', undefined],
  ['subroot=/dev/sda1', undefined],
  ['', undefined],
])('%j names partition %j', (line, expected) => {
  const word = rootWordOf(line);
  const names = ({ number }: Partition) => ({ label: `label-${number}`, uuid: `uuid-${number}` });
  expect(word && partitionNamed(word, partitions, names)?.number).toBe(expected);
});
