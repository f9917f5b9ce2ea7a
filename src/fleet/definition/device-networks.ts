import type { DeviceNetwork, DeviceRoute, DeviceWifi } from '../../seeds/device/device-identity.js';
import { wifiFaults } from '../../seeds/device/networks.js';
import type { Path } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import { deviceProblem, type FleetDevice } from './fleet.js';
import { WIFI_KEYS, type DeviceValues } from './fleet-schema.js';

type WifiKey = (typeof WIFI_KEYS)[number];
type WifiValues = NonNullable<DeviceValues['wifi']>;

export type ReadWifi = {
  readonly networks: readonly DeviceWifi[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
};

/**
 * The Wi-Fi networks of a device, in the order of their keys. Codes: those of wifiFaults, `fleet-wifi-without-ssid`,
 * `fleet-values-conflict`; warnings `fleet-wifi-open`.
 *
 * @param secret reads the first line of a file, and reports what is wrong with it
 */
export async function readWifi(
  device: FleetDevice,
  secret: (path: Path, file: string | undefined) => Promise<string | undefined>,
): Promise<ReadWifi> {
  const networks: DeviceWifi[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const key of WIFI_KEYS) {
    const values = device.values[key];
    if (values === undefined) continue;
    const { ssid, passphrase, psk } = values;
    if (ssid === undefined) {
      const message = `"${key}" needs an "ssid"`;
      problems.push(deviceProblem(device, [key], { code: 'fleet-wifi-without-ssid', message }));
      continue;
    }
    const file = values['passphrase-file'];
    const password = psk ?? (await secret([key, 'passphrase-file'], file)) ?? passphrase;
    const conflicts = conflictsIn(device, key, ssid, values);
    problems.push(...conflicts);
    // A file that could not be read has been reported.
    if (conflicts.length > 0 || (password === undefined && file !== undefined)) continue;
    const network = networkOf(ssid, password, values);
    problems.push(...wifiFaults(network).map((fault) => deviceProblem(device, faultPlace(key, values, fault), fault)));
    if (password === undefined && network.account === undefined && network.wpa3 !== true) {
      const message = `the Wi-Fi "${ssid}" has no passphrase: an open network is joined`;
      warnings.push(deviceProblem(device, [key], { code: 'fleet-wifi-open', message }));
    }
    networks.push(network);
  }
  return { networks, problems: [...problems, ...conflictsBetween(device)], warnings };
}

function networkOf(ssid: string, password: string | undefined, values: WifiValues): DeviceWifi {
  const { country, hidden, wpa3, identity, 'eap-method': method, 'ca-certificate': caCertificate } = values;
  return {
    ssid,
    ...(password === undefined ? {} : { password }),
    ...(country === undefined ? {} : { country }),
    ...(hidden === undefined ? {} : { hidden }),
    ...(wpa3 === undefined ? {} : { wpa3 }),
    ...(identity === undefined
      ? {}
      : {
          account: {
            identity,
            ...(method === undefined ? {} : { method }),
            ...(caCertificate === undefined ? {} : { caCertificate }),
          },
        }),
  };
}

/** Values of one network of which a seed could hold only one. */
function conflictsIn(device: FleetDevice, key: WifiKey, ssid: string, values: WifiValues): Problem[] {
  const conflict = (name: string, message: string, hint: string): Problem =>
    deviceProblem(device, [key, name], {
      code: 'fleet-values-conflict',
      message: `the Wi-Fi "${ssid}" ${message}`,
      hint,
    });
  if (values.identity === undefined) {
    return (['eap-method', 'ca-certificate'] as const)
      .filter((name) => values[name] !== undefined)
      .map((name) => conflict(name, `has "${name}", and no account`, 'Add "identity", or leave it out.'));
  }
  return [
    ...(values.wpa3 === true
      ? [
          conflict(
            'wpa3',
            'has an account and "wpa3"',
            'An enterprise network chooses WPA2 or WPA3 itself: leave "wpa3" out.',
          ),
        ]
      : []),
    ...(values.psk === undefined
      ? []
      : [conflict('psk', 'has an account and a key', 'Give the password of the account as "passphrase-file".')]),
  ];
}

/** One radio knows a network once, and is in one country. */
function conflictsBetween(device: FleetDevice): Problem[] {
  const problems: Problem[] = [];
  const conflict = (path: Path, message: string): void => {
    problems.push(deviceProblem(device, path, { code: 'fleet-values-conflict', message }));
  };
  const names = new Map<string, WifiKey>();
  let country: string | undefined;
  for (const key of WIFI_KEYS) {
    const values = device.values[key];
    if (values === undefined) continue;
    const owner = values.ssid === undefined ? undefined : names.get(values.ssid);
    if (owner !== undefined) conflict([key, 'ssid'], `the Wi-Fi "${values.ssid ?? ''}" is that of "${owner}" already`);
    if (values.ssid !== undefined) names.set(values.ssid, owner ?? key);
    if (values.country !== undefined && country !== undefined && values.country !== country) {
      conflict([key, 'country'], `a device is in one country, and there are ${country} and ${values.country}`);
    }
    country ??= values.country;
  }
  return problems;
}

function faultPlace(key: WifiKey, values: WifiValues, { code }: Problem): Path {
  if (code === 'wifi-ssid-invalid') return [key, 'ssid'];
  const secret = (['psk', 'passphrase-file', 'passphrase'] as const).find((name) => values[name] !== undefined);
  return secret === undefined ? [key] : [key, secret];
}

/** The fixed addresses of a device; undefined where it has none. */
export function fixedAddresses({ values }: FleetDevice): DeviceNetwork | undefined {
  const { address, gateway, address6, gateway6, dns, routes, interface: name } = values.network ?? {};
  const addresses = [address, address6].filter((one) => one !== undefined);
  if (addresses.length === 0) return undefined;
  // Defaults may hold the gateways of addresses that not every device has.
  const hasIpv6 = addresses.some((one) => one.includes(':'));
  const own: DeviceRoute[] = gateway6 === undefined || !hasIpv6 ? [] : [{ to: 'default', via: gateway6 }];
  const further = [...own, ...(routes ?? []).map(routeOf)];
  return {
    addresses,
    ...(gateway === undefined || !addresses.some((one) => one.includes(':') === gateway.includes(':'))
      ? {}
      : { gateway }),
    ...(further.length === 0 ? {} : { routes: further }),
    ...(dns === undefined ? {} : { nameservers: dns }),
    ...(name === undefined ? {} : { interface: name }),
  };
}

/** Of NETWORK,ROUTER, as the schema has found it. */
function routeOf(text: string): DeviceRoute {
  const [to = '', via = ''] = text.split(',').map((part) => part.trim());
  return { to, via };
}
