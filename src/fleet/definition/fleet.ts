import type { Problem } from '../../errors.js';
import type { Path } from '../../config/yaml-source.js';
import type { DeviceValues } from './fleet-schema.js';

export type Place = { readonly file: string; readonly line: number; readonly column: number };

/** One device of a fleet with everything that the list and the defaults say of it; paths are absolute. */
export type FleetDevice = {
  readonly name: string;
  readonly values: DeviceValues;
  /** In a table, its row as spreadsheets count. */
  readonly row?: number;
  /** Whether the list itself has the value, and not the defaults. */
  has(path: Path): boolean;
  /** Where a value stands: in the list, or in the defaults. */
  place(path: Path): Place;
};

export type Fleet = {
  /** The file or folder that a person named. */
  readonly path: string;
  readonly devices: readonly FleetDevice[];
};

export type ReadFleet = Findings & { readonly fleet: Fleet };

type Findings = { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** A problem of one device: where its value stands, and in a table which row that is. */
export function deviceProblem(
  device: FleetDevice,
  path: Path,
  found: { readonly code: string; readonly message: string; readonly hint?: string },
): Problem {
  const row = device.row === undefined ? '' : ` (row ${device.row})`;
  return { ...found, message: `${device.name}${row}: ${found.message}`, ...device.place(path) };
}
