import type { Problem } from '../errors.js';
import type { Architecture } from '../model/architecture.js';
import type { FleetDevice } from './definition/fleet.js';
import { deviceProblem } from './definition/fleet.js';

export type NetworkNames = {
  /** Folders by the device's name. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly { readonly device: FleetDevice; readonly problem: Problem }[];
};

/** As /proc/cpuinfo shows it; the boot loader takes the last eight digits (raspberrypi/rpi-eeprom#563). */
const SERIAL = /^(?:0x)?(?:[0-9a-f]{8})?([0-9a-f]{8})$/i;

/**
 * Names of the folders that devices read from: of a Raspberry Pi the last eight digits of its serial number, or where
 * the list has none its MAC address; of a PC its MAC address. Codes: `fleet-device-without-network-name`,
 * `fleet-duplicate-network-name`.
 */
export function networkNames(devices: readonly FleetDevice[], architecture: Architecture): NetworkNames {
  const names = new Map<string, readonly string[]>();
  const owners = new Map<string, string>();
  const problems: { device: FleetDevice; problem: Problem }[] = [];
  for (const device of devices) {
    const name = nameOf(device, architecture);
    if (name === undefined) {
      problems.push({ device, problem: withoutName(device, architecture) });
      continue;
    }
    const owner = owners.get(name);
    if (owner !== undefined) problems.push({ device, problem: twice(device, name, owner) });
    owners.set(name, device.name);
    names.set(device.name, [name]);
  }
  return { names, problems };
}

function nameOf({ values: { serial, mac } }: FleetDevice, architecture: Architecture): string | undefined {
  const short = architecture === 'arm64' ? SERIAL.exec(serial ?? '')?.[1]?.toLowerCase() : undefined;
  return short ?? mac?.toLowerCase().replaceAll(':', '-');
}

function withoutName(device: FleetDevice, architecture: Architecture): Problem {
  const isPi = architecture === 'arm64';
  const wanted = isPi ? 'its serial number (8 or 16 hex digits) or its MAC address' : 'its MAC address';
  return deviceProblem(device, [isPi && device.has(['serial']) ? 'serial' : 'name'], {
    code: 'fleet-device-without-network-name',
    message: `from the network a device is known by ${wanted}, and the list has none`,
    hint: isPi
      ? 'Add serial: or mac: to the device; /proc/cpuinfo shows the serial number.'
      : 'Add mac: to the device.',
  });
}

function twice(device: FleetDevice, name: string, owner: string): Problem {
  return deviceProblem(device, ['serial'], {
    code: 'fleet-duplicate-network-name',
    message: `its folder would be ${name}, as that of ${owner}`,
    hint: 'A Raspberry Pi shows the last eight digits of its serial number; give one of the two its mac: alone.',
  });
}
