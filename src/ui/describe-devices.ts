import { formatSize } from '../model/bytes.js';
import type { ListedDevice } from '../drives/list-drives.js';
import { describeContents, deviceModel, deviceSerial } from './describe-device.js';

const HEADINGS = ['DEVICE', 'SIZE', 'BUS', 'MODEL', 'SERIAL', 'REMOVABLE'] as const;

/** The drives as a person wants them: those that could be written, then the others and why not. */
export function describeDevices(devices: readonly ListedDevice[]): readonly string[] {
  const writable = devices.filter((device) => device.writable);
  const others = devices.filter((device) => !device.writable);
  const rows = devices.map(cells);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  return [
    ...(writable.length === 0
      ? ['No drive that could be written. Insert a card, or plug in a reader.']
      : ['Could be written:', line(HEADINGS)]),
    ...writable.flatMap((device) => [line(cells(device)), `      now: ${describeContents(device)}`]),
    ...(others.length === 0 ? [] : ['', 'Not written to:', line(HEADINGS)]),
    ...others.flatMap((device) => [
      line(cells(device)),
      ...device.refusals.map(({ message, reason }) => `      ${message} [${reason}]`),
    ]),
  ];
}

function cells(device: ListedDevice): readonly string[] {
  const { path, sizeBytes, bus, removable } = device;
  return [
    path,
    sizeBytes === undefined ? '?' : sizeBytes === 0 ? 'empty' : formatSize(sizeBytes),
    bus ?? '?',
    deviceModel(device),
    deviceSerial(device),
    removable === undefined ? '?' : removable ? 'yes' : 'no',
  ];
}
