import type { BlockDevice } from '../host/drives/block-device.js';
import { formatSize } from '../model/bytes.js';

/** What will be written to which drive: shown before anything is asked. */
export type DeviceWritePlan = {
  readonly device: BlockDevice;
  /** As the person named it; may be a link in /dev/disk. */
  readonly path: string;
  /** "reswarm-os-rpi4.img, 1.2 GiB", "the image of board rpi4". */
  readonly writes: string;
};

export function describeDeviceWrite({ device, path, writes }: DeviceWritePlan): readonly string[] {
  const link = path === device.path ? '' : `, named as ${path}`;
  return [
    `Device  ${device.path} (${device.majorMinor})${link}`,
    `Model   ${deviceModel(device)}`,
    `Size    ${deviceSize(device)}`,
    `Bus     ${device.bus ?? 'unknown'}`,
    `Serial  ${deviceSerial(device)}`,
    `Now     ${describeContents(device)}`,
    `Writes  ${writes}`,
  ];
}

export function deviceModel({ vendor, model, kind, backingFile }: BlockDevice): string {
  if (kind === 'loop') return backingFile === undefined ? 'loop device' : `loop device on ${backingFile}`;
  // ATA drives answer "ATA" where others name who made them.
  const names = [vendor === 'ATA' ? undefined : vendor, model].filter((name) => name !== undefined);
  return names.length === 0 ? 'unknown' : names.join(' ');
}

export function deviceSize({ sizeBytes }: BlockDevice): string {
  if (sizeBytes === undefined) return 'unknown';
  return sizeBytes === 0 ? 'no medium' : `${formatSize(sizeBytes)} (${sizeBytes} bytes)`;
}

export function deviceSerial({ serial, cid }: BlockDevice): string {
  return serial ?? cid ?? 'unknown';
}

/** What would be lost. */
export function describeContents({ partitionTable, partitions, contents }: BlockDevice): string {
  const found = contents.map(({ device, fileSystem, label, sizeBytes }) => {
    const size = sizeBytes === undefined ? '' : ` ${formatSize(sizeBytes)}`;
    return `${device} ${fileSystem}${label === undefined ? '' : ` "${label}"`}${size}`;
  });
  if (partitionTable === undefined && partitions === 0 && found.length === 0) return 'nothing that is known';
  const table =
    partitionTable === undefined ? [] : [`${partitionTable === 'dos' ? 'MBR' : partitionTable.toUpperCase()} table`];
  return [...table, `${partitions} partition${partitions === 1 ? '' : 's'}`, ...found].join(', ');
}
