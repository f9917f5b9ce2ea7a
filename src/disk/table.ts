import type { DiskLayout, Partition } from './disk-layout.js';

/** Partition types of an MBR: W95 FAT32 (LBA), which the boot ROM looks for, and Linux. */
const MBR_TYPES = { fat32: 'c', ext4: '83' } as const;

/** What sfdisk reads on stdin to write exactly this layout. All numbers are sectors. */
export function sfdiskScript(layout: DiskLayout): string {
  const lines = [
    'label: dos',
    `label-id: 0x${layout.diskId}`,
    'unit: sectors',
    `sector-size: ${layout.sectorSizeBytes}`,
    '',
    ...layout.partitions.map((partition) => partitionLine(partition, layout.sectorSizeBytes)),
  ];
  return `${lines.join('\n')}\n`;
}

function partitionLine(partition: Partition, sectorSizeBytes: number): string {
  const start = partition.offsetBytes / sectorSizeBytes;
  const size = partition.sizeBytes / sectorSizeBytes;
  return `start=${start}, size=${size}, type=${MBR_TYPES[partition.fs]}${partition.name === 'boot' ? ', bootable' : ''}`;
}
