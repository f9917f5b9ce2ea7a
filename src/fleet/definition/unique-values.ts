import { addressKey } from '../../model/ip-address.js';
import type { Problem } from '../../errors.js';
import type { Path } from '../../config/yaml-source.js';
import { addressProblems } from './fixed-addresses.js';
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
  addressRule('address'),
  addressRule('address6'),
];

/** Host names are those of the devices unless they are given. */
export function hostnameOf({ name, values }: FleetDevice): string {
  return values.hostname ?? name;
}

/**
 * What two devices share and must not, and addresses that cannot work. Codes: `fleet-duplicate-…` of `RULES`, and those
 * of addressProblems.
 */
export function fleetProblems(devices: readonly FleetDevice[]): Problem[] {
  const owners = new Map<string, Map<string, FleetDevice>>();
  return [
    ...RULES.flatMap((rule) => duplicates(devices, rule, ownersOf(owners, rule.code))),
    ...addressProblems(devices),
  ];
}

/** An address counts as one in whatever key it stands. */
function ownersOf(owners: Map<string, Map<string, FleetDevice>>, code: string): Map<string, FleetDevice> {
  const known = owners.get(code) ?? new Map<string, FleetDevice>();
  owners.set(code, known);
  return known;
}

function duplicates(devices: readonly FleetDevice[], rule: Rule, owners: Map<string, FleetDevice>): Problem[] {
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
    if (owner === device) {
      const message = `the ${rule.what} ${rule.shown(device)} is there twice`;
      return [deviceProblem(device, rule.path, { code: rule.code, message })];
    }
    const { line } = owner.place(rule.path);
    const where = owner.row === undefined ? `line ${line}` : `row ${owner.row}`;
    const whose = rule.path[0] === 'name' ? `stands in ${where} already` : `belongs to ${owner.name} already, ${where}`;
    return [
      deviceProblem(device, rule.path, { code: rule.code, message: `the ${rule.what} ${rule.shown(device)} ${whose}` }),
    ];
  });
}

function addressRule(key: 'address' | 'address6'): Rule {
  return {
    code: 'fleet-duplicate-address',
    path: ['network', key],
    what: 'address',
    key: ({ values }) => {
      const address = values.network?.[key]?.split('/')[0];
      return address === undefined ? undefined : addressKey(address);
    },
    shown: ({ values }) => values.network?.[key] ?? '',
  };
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
