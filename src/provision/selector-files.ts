import type { Problem } from '../errors.js';
import { AUTOBOOT } from '../formats/autoboot.js';
import type { BootPartitionView } from '../images/edit-boot-files.js';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';

/** What makes the firmware of a Raspberry Pi start from a partition. */
const FIRMWARE = /^(start[^/]*\.elf|bootcode\.bin|config\.txt|kernel[^/]*\.img|autoboot\.txt)$/i;

/**
 * What must not come onto the FAT that says which of two slots is started: with firmware on it the device would start
 * from there. Codes: `selector-firmware`, `selector-config-txt`.
 */
export async function selectorProblems(
  view: BootPartitionView,
  { files = [], configTxt = [] }: Pick<DeviceIdentity, 'files' | 'configTxt'>,
): Promise<readonly Problem[]> {
  if (!(await view.names()).some((name) => name.toLowerCase() === AUTOBOOT)) return [];
  const firmware = files.filter(({ path }) => FIRMWARE.test(path));
  return [
    ...firmware.map(({ path }) => ({
      code: 'selector-firmware',
      message: `${path} cannot be put onto the first partition of an image with two slots: the firmware would start from there`,
      hint: 'What belongs to the system is built into the image, and comes to devices by an update.',
    })),
    ...configTxt.slice(0, 1).map((line) => ({
      code: 'selector-config-txt',
      message: `"${line}" cannot be set for an image with two slots: config.txt belongs to a slot, and each update brings its own`,
      hint: 'Write it into configTxt of the board, and build the image again.',
    })),
  ];
}
