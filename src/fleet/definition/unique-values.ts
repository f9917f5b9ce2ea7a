import { addressKey, isInNetwork, isNetworkOrBroadcast, parseInterfaceAddress } from '../../model/ip-address.js';
import type { Problem } from '../../errors.js';
import type { Path } from '../../config/yaml-source.js';
import { deviceProblem, type FleetDevice } from './fleet.js';

type Rule = {
  readonly code: string;
  readonly path: Path;
  /** What a person calls it. */
  readonly what: string;
  /** The same for all ways to write the same value; undefined where the device has none. */
  readonly key: (device: FleetDevice) => string | undefined;
  readonly shown: (device: FleetDevice) => string;
};

/** What no two devices of a fleet may share. */
const RULES: readonly Rule[] = [
  {
    code: 'fleet-duplicate-name',
    path: ['name'],
    what: 'name',
    key: ({ name }) => name.toLowerCase(),
    shown: ({ name }) => name,
  },
  {
    code: 'fleet-duplicate-hostname',
    path: ['hostname'],
    what: 'host name',
    key: (device) => hostnameOf(device).toLowerCase(),
    shown: hostnameOf,
  },
  valueRule('fleet-duplicate-instance-id', 'instance-id', 'instance-id', (id) => id),
  valueRule('fleet-duplicate-serial', 'serial', 'serial', (serial) => serial.toLowerCase()),
  valueRule('fleet-duplicate-mac', 'mac', 'MAC address', (mac) => mac.toLowerCase().replaceAll('-', ':')),
  valueRule('fleet-duplicate-flock', 'flock', '.flock file', (path) => path),
  {
    code: 'fleet-duplicate-address',
    path: ['network', 'address'],
    what: 'address',
    key: ({ values }) => {
      const address = values.network?.address?.split('/')[0];
      return address === undefined ? undefined : addressKey(address);
    },
    shown: ({ values }) => values.network?.address ?? '',
  },
];

/** Host names are those of the devices unless they are given. */
export function hostnameOf({ name, values }: FleetDevice): string {
  return values.hostname ?? name;
}

/**
 * What two devices share and must not, and addresses that cannot work. Codes: `fleet-duplicate-…` of `RULES`,
 * `fleet-address-unusable`, `fleet-gateway-unreachable`, `fleet-gateway-without-address`.
 */
export function fleetProblems(devices: readonly FleetDevice[]): Problem[] {
  const gateways = new Map(
    devices.flatMap((device) => {
      const { gateway } = device.values.network ?? {};
      return gateway === undefined ? [] : [[addressKey(gateway), device] as const];
    }),
  );
  return [
    ...RULES.flatMap((rule) => duplicates(devices, rule)),
    ...devices.flatMap((device) => addressProblems(device, gateways)),
  ];
}

function duplicates(devices: readonly FleetDevice[], rule: Rule): Problem[] {
  const owners = new Map<string, FleetDevice>();
  return devices.flatMap((device): Problem[] => {
    const key = rule.key(device);
    if (key === undefined) return [];
    const owner = owners.get(key);
    if (owner === undefined) {
      owners.set(key, device);
      return [];
    }
    // Of a double name, the double host name says nothing new.
    if (rule.path[0] === 'hostname' && owner.name.toLowerCase() === device.name.toLowerCase()) return [];
    const { line } = owner.place(rule.path);
    const where = owner.row === undefined ? `line ${line}` : `row ${owner.row}`;
    const whose = rule.path[0] === 'name' ? `stands in ${where} already` : `belongs to ${owner.name} already, ${where}`;
    return [
      deviceProblem(device, rule.path, { code: rule.code, message: `the ${rule.what} ${rule.shown(device)} ${whose}` }),
    ];
  });
}

function addressProblems(device: FleetDevice, gateways: ReadonlyMap<string, FleetDevice>): Problem[] {
  const { address: text, gateway } = device.values.network ?? {};
  const at = (key: string, code: string, message: string, hint?: string): Problem =>
    deviceProblem(device, ['network', key], { code, message, ...(hint === undefined ? {} : { hint }) });
  if (text === undefined) {
    // One of the defaults is for those that have an address.
    if (gateway === undefined || !device.has(['network', 'gateway'])) return [];
    const hint = 'With DHCP the gateway comes by DHCP, too.';
    return [at('gateway', 'fleet-gateway-without-address', 'there is a gateway, but no fixed address', hint)];
  }
  const address = parseInterfaceAddress(text);
  if (address === undefined) return [];
  const owner = gateways.get(addressKey(text.split('/')[0] ?? ''));
  if (owner !== undefined) {
    return [at('address', 'fleet-address-unusable', `the address ${text} is the gateway of ${owner.name}`)];
  }
  if (isNetworkOrBroadcast(address)) {
    const message = `the address ${text} is that of the network itself or of all its hosts`;
    return [at('address', 'fleet-address-unusable', message, 'Take one between the first and the last.')];
  }
  if (gateway === undefined || isLinkLocal(gateway) || isInNetwork(gateway, address)) return [];
  const message = `the gateway ${gateway} is outside of the network of ${text}`;
  return [at('gateway', 'fleet-gateway-unreachable', message, 'Is the prefix length right? 24 is 255.255.255.0.')];
}

/** fe80::1 is reached on every link. */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

function valueRule(
  code: string,
  name: 'instance-id' | 'serial' | 'mac' | 'flock',
  what: string,
  normal: (value: string) => string,
): Rule {
  return {
    code,
    path: [name],
    what,
    key: ({ values }) => {
      const value = values[name];
      return value === undefined ? undefined : normal(value);
    },
    shown: ({ values }) => values[name] ?? '',
  };
}
