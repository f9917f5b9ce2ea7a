import { UserError } from '../../errors.js';
import { hostnameOf } from '../definition/unique-values.js';
import { findDevice, openFleet } from '../fleet-queue.js';
import type { SshDevice } from './ssh-device.js';
import { parseHost } from './ssh-device.js';

export type AddressOptions = {
  /** Put behind each host name, such as ".local". */
  readonly domain: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** "NAME=HOST" where the host name is not how a device is reached. */
  readonly addresses: readonly string[];
};

/**
 * Devices of a fleet, as ssh reaches them: by host name, unless an address says otherwise. Throws what openFleet throws,
 * UserError `host-invalid`, `address-invalid`, `fleet-unknown-device`.
 */
export async function fleetDevices(
  path: string,
  { domain, user, port, addresses }: AddressOptions,
): Promise<readonly SshDevice[]> {
  const fleet = await openFleet(path);
  const known = new Map(
    addresses.map((text) => {
      const [, name, host] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (name === undefined || host === undefined) {
        throw new UserError('address-invalid', `"${text}" gives no device an address`, {
          hints: ['For example --address gate-1=192.0.2.7'],
        });
      }
      findDevice(fleet, name);
      return [name, host];
    }),
  );
  return fleet.devices.map((device) => {
    const given = known.get(device.name);
    const base = { ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
    if (given !== undefined) return { ...base, ...parseHost(given), name: device.name };
    return { ...base, name: device.name, address: `${hostnameOf(device)}${domain}` };
  });
}
