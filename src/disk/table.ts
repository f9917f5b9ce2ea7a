import type { Disk, Partition, PartitionTypes } from '../model/disk.js';

/** An extended partition that is addressed by sectors. */
const EXTENDED_TYPE = 'f';

/** What sfdisk reads on stdin to write exactly this disk. All numbers are sectors. */
export function tableScript(disk: Disk, typeOf: (partition: Partition) => PartitionTypes): string {
  const head = [
    `label: ${disk.table === 'mbr' ? 'dos' : 'gpt'}`,
    `label-id: ${disk.table === 'mbr' ? '0x' : ''}${disk.diskId}`,
    'unit: sectors',
    ...(disk.table === 'gpt' ? ['first-lba: 34'] : []),
    `sector-size: ${disk.sectorSizeBytes}`,
    '',
  ];
  const rows = disk.partitions.map((partition) => ({ number: partition.number, line: line(partition, disk, typeOf) }));
  const { extended } = disk;
  // Numbers are only written where sfdisk would count otherwise.
  if (extended === undefined) return `${[...head, ...rows.map((row) => row.line)].join('\n')}\n`;
  rows.push({ number: extended.number, line: `${place(extended, disk)}, type=${EXTENDED_TYPE}` });
  const numbered = rows.sort((a, b) => a.number - b.number).map((row) => `${row.number} : ${row.line}`);
  return `${[...head, ...numbered].join('\n')}\n`;
}

function line(partition: Partition, disk: Disk, typeOf: (partition: Partition) => PartitionTypes): string {
  const type = typeOf(partition);
  if (disk.table === 'gpt') {
    return `${place(partition, disk)}, type=${type.gpt}, uuid=${partition.partUuid}, name="${partition.name}"`;
  }
  // One at most may be; a PC's boot sector starts it, a Raspberry Pi does not look.
  const bootable = disk.partitions.find(({ role }) => role === 'boot') === partition;
  return `${place(partition, disk)}, type=${type.mbr}${bootable ? ', bootable' : ''}`;
}

function place({ offsetBytes, sizeBytes }: { offsetBytes: number; sizeBytes: number }, disk: Disk): string {
  return `start=${offsetBytes / disk.sectorSizeBytes}, size=${sizeBytes / disk.sectorSizeBytes}`;
}
