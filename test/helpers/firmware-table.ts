import { join } from 'node:path';
import type { ModelFirmware } from '../../src/config/hardware/firmware-table.js';
import { firmwareTable as readTable } from '../../src/config/hardware/firmware-table.js';

export type { ModelFirmware } from '../../src/config/hardware/firmware-table.js';

/** Of this project. */
export async function firmwareTable(): Promise<readonly ModelFirmware[]> {
  return readTable(join(import.meta.dirname, '../..'));
}
