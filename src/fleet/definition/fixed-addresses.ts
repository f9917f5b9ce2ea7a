import { isIPv6 } from 'node:net';
import { addressKey, isInNetwork, isNetworkOrBroadcast, parseInterfaceAddress } from '../../model/ip-address.js';
import type { Problem } from '../../errors.js';
import { deviceProblem, type FleetDevice } from './fleet.js';

const ADDRESSES = ['address', 'address6'] as const;
const GATEWAYS = ['gateway', 'gateway6'] as const;

/**
 * Fixed addresses and gateways that cannot work. Codes: `fleet-address-unusable`, `fleet-gateway-unreachable`,
 * `fleet-gateway-without-address`, `fleet-network-without-address`, `fleet-values-conflict`.
 */
export function addressProblems(devices: readonly FleetDevice[]): Problem[] {
  const gateways = new Map(
    devices.flatMap((device) =>
      GATEWAYS.flatMap((key) => {
        const gateway = device.values.network?.[key];
        return gateway === undefined ? [] : [[addressKey(gateway), device] as const];
      }),
    ),
  );
  return devices.flatMap((device) => [
    ...ADDRESSES.flatMap((key) => unusable(device, key, gateways)),
    ...gatewayProblems(device),
    ...withoutAddress(device),
  ]);
}

type Key = 'address' | 'address6' | 'gateway' | 'gateway6' | 'routes' | 'dns' | 'interface';

function at(device: FleetDevice, key: Key, code: string, message: string, hint?: string): Problem {
  return deviceProblem(device, ['network', key], { code, message, ...(hint === undefined ? {} : { hint }) });
}

function unusable(
  device: FleetDevice,
  key: (typeof ADDRESSES)[number],
  gateways: ReadonlyMap<string, FleetDevice>,
): Problem[] {
  const text = device.values.network?.[key];
  const address = text === undefined ? undefined : parseInterfaceAddress(text);
  if (text === undefined || address === undefined) return [];
  const owner = gateways.get(addressKey(text.split('/')[0] ?? ''));
  if (owner !== undefined) {
    return [at(device, key, 'fleet-address-unusable', `the address ${text} is the gateway of ${owner.name}`)];
  }
  if (!isNetworkOrBroadcast(address)) return [];
  const message = `the address ${text} is that of the network itself or of all its hosts`;
  return [at(device, key, 'fleet-address-unusable', message, 'Take one between the first and the last.')];
}

/** An address that cannot be used has been reported; what it reaches does not matter then. */
function gatewayProblems(device: FleetDevice): Problem[] {
  const { network = {} } = device.values;
  const texts = ADDRESSES.flatMap((key) => network[key] ?? []);
  if (texts.length === 0) return [];
  const { gateway, gateway6 } = network;
  const isTwice = gateway !== undefined && gateway6 !== undefined && isIPv6(gateway);
  const twice = isTwice
    ? [at(device, 'gateway', 'fleet-values-conflict', 'there are two gateways of IPv6', 'Leave one of them out.')]
    : [];
  return [...twice, ...GATEWAYS.flatMap((key) => unreachable(device, key, texts))];
}

function unreachable(device: FleetDevice, key: (typeof GATEWAYS)[number], texts: readonly string[]): Problem[] {
  const gateway = device.values.network?.[key];
  if (gateway === undefined || isLinkLocal(gateway)) return [];
  const addresses = texts.flatMap((text) => parseInterfaceAddress(text) ?? []);
  if (addresses.some((one) => isInNetwork(gateway, one) || isNetworkOrBroadcast(one))) return [];
  const isOwn = device.has(['network', key]);
  const ofProtocol = texts.filter((text) => text.includes(':') === isIPv6(gateway));
  // One of the defaults is for those that have an address of its protocol.
  if (ofProtocol.length === 0 && !isOwn && (key === 'gateway6' || device.values.network?.address === undefined))
    return [];
  const message = `the gateway ${gateway} is outside of the network of ${(ofProtocol.length === 0 ? texts : ofProtocol).join(' and ')}`;
  return [at(device, key, 'fleet-gateway-unreachable', message, 'Is the prefix length right? 24 is 255.255.255.0.')];
}

/** Those of the defaults are for devices that have an address. */
function withoutAddress(device: FleetDevice): Problem[] {
  const { network = {} } = device.values;
  if (ADDRESSES.some((key) => network[key] !== undefined)) return [];
  const own = (key: Key): boolean => device.has(['network', key]);
  const gateways = GATEWAYS.filter(own).map((key) =>
    at(
      device,
      key,
      'fleet-gateway-without-address',
      'there is a gateway, but no fixed address',
      'With DHCP the gateway comes by DHCP, too.',
    ),
  );
  const others = (['routes', 'dns', 'interface'] as const)
    .filter(own)
    .map((key) =>
      at(
        device,
        key,
        'fleet-network-without-address',
        `"network.${key}" is only for a device with a fixed address, and this one has none`,
        'Add "address", or write them into a network-config of its own.',
      ),
    );
  return [...gateways, ...others];
}

/** fe80::1 is reached on every link. */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
