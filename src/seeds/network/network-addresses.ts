import { BlockList, isIP } from 'node:net';
import { isPlainAddress } from './netplan-link-schema.js';
import type { Problem } from '../../errors.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';

/** Addresses and hardware of a network-config: forms that schemas take and networks do not. */

type Device = { readonly path: Path; readonly values: Readonly<Record<string, unknown>> };

function devices(source: YamlSource): Device[] {
  const network = asMapping(source.value) ?? {};
  return Object.entries(network).flatMap(([kind, group]) =>
    kind === 'openvswitch'
      ? []
      : Object.entries(asMapping(group) ?? {}).map(([id, device]) => ({
          path: [kind, id],
          values: asMapping(device) ?? {},
        })),
  );
}

function at(source: YamlSource, path: Path, code: string, message: string, hint?: string): Problem {
  return { code, message, ...(hint === undefined ? {} : { hint }), file: source.file, ...source.locate(path) };
}

/** Codes `address-invalid`, `network-duplicate-address`; warning `gateway-outside`. That a prefix is there is said by the schema. */
export function addressesOfVersion2(source: YamlSource): Findings {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const seen = new Map<string, Path>();
  for (const { path, values } of devices(source)) {
    const own: string[] = [];
    for (const [index, item] of listOf(values['addresses']).entries()) {
      const text = typeof item === 'string' ? item : Object.keys(asMapping(item) ?? {})[0];
      const place = [...path, 'addresses', index];
      if (text?.includes('/') !== true) continue;
      const fault = addressFault(text);
      if (fault !== undefined) problems.push(at(source, place, 'address-invalid', `"${text}" ${fault}`));
      else own.push(text);
      const bare = text.split('/')[0] ?? text;
      const first = seen.get(bare);
      if (first === undefined) seen.set(bare, place);
      else problems.push(at(source, place, 'network-duplicate-address', sameAs(source, `the address ${bare}`, first)));
    }
    problems.push(...nameservers(source, path, asMapping(values['nameservers'])?.['addresses']));
    warnings.push(...badRoutes(source, path, values));
    for (const [gateway, place] of gateways(path, values)) {
      const isAddress = typeof gateway === 'string' && isIP(gateway) !== 0;
      if (!isAddress) problems.push(at(source, place, 'address-invalid', `"${String(gateway)}" is not an IP address`));
      else if (own.length > 0 && !own.some((address) => isInside(gateway, address))) {
        const message = `the gateway ${gateway} lies in none of the networks of ${own.join(', ')}: it cannot be reached`;
        warnings.push(at(source, place, 'gateway-outside', message));
      }
    }
  }
  return { problems, warnings };
}

/** Of default routes, and of the old keys. */
function gateways(path: Path, values: Device['values']): (readonly [unknown, Path])[] {
  const old = ['gateway4', 'gateway6'].flatMap((key): (readonly [unknown, Path])[] =>
    key in values ? [[values[key], [...path, key]]] : [],
  );
  const routes = listOf(values['routes']).flatMap((route, index): (readonly [unknown, Path])[] => {
    const { to, via, 'on-link': onLink } = asMapping(route) ?? {};
    const isDefault = to === 'default' || to === '0.0.0.0/0' || to === '::/0';
    return isDefault && via !== undefined && !isOn(onLink) ? [[via, [...path, 'routes', index, 'via']]] : [];
  });
  return [...old, ...routes];
}

function isOn(flag: unknown): boolean {
  return typeof flag === 'string' && /^(true|on|yes|y)$/i.test(flag);
}

/** netplan takes them, and networkd drops them on the device. */
function badRoutes(source: YamlSource, path: Path, values: Device['values']): Problem[] {
  return listOf(values['routes']).flatMap((route, index) =>
    ['to', 'from', 'via'].flatMap((key): Problem[] => {
      const address = asMapping(route)?.[key];
      if (typeof address !== 'string' || !address.includes('/')) return [];
      const fault = key === 'via' ? 'is a network, not the address of a router' : addressFault(address, 0);
      if (fault === undefined) return [];
      const message = `"${address}" ${fault}: networkd ignores this route`;
      return [at(source, [...path, 'routes', index, key], 'route-ignored', message)];
    }),
  );
}

function nameservers(source: YamlSource, path: Path, list: unknown): Problem[] {
  return listOf(list).flatMap((server, index): Problem[] => {
    if (typeof server === 'string' && isPlainAddress(server)) return [];
    const place = [...path, 'nameservers', 'addresses', index];
    const hint = /[#%]/.test(String(server)) ? 'This netplan takes neither "#name" nor "%interface".' : undefined;
    return [at(source, place, 'address-invalid', `"${String(server)}" is not an IP address`, hint)];
  });
}

/** Subnets of version 1: an address needs a prefix, or a netmask beside it. */
export function addressesOfVersion1(source: YamlSource): Findings {
  const problems: Problem[] = [];
  const macs = new Map<string, Path>();
  for (const [index, item] of listOf(asMapping(source.value)?.['config']).entries()) {
    const device = asMapping(item) ?? {};
    const mac = device['mac_address'];
    if (typeof mac === 'string' && device['type'] === 'physical') {
      problems.push(...duplicate(source, macs, mac, ['config', index, 'mac_address']));
    }
    for (const [number, one] of listOf(device['subnets']).entries()) {
      const subnet = asMapping(one) ?? {};
      const address = subnet['address'];
      if (typeof address !== 'string') continue;
      const place = ['config', index, 'subnets', number, 'address'];
      if (!address.includes('/') && subnet['netmask'] === undefined) {
        const hint = `Write "${address}/24" with the length of your network's prefix.`;
        problems.push(
          at(source, place, 'address-invalid', `"${address}" has neither a prefix length nor a "netmask"`, hint),
        );
        continue;
      }
      const fault = addressFault(address.includes('/') ? address : `${address}/0`, 0);
      if (fault !== undefined) problems.push(at(source, place, 'address-invalid', `"${address}" ${fault}`));
      const { netmask } = subnet;
      if (netmask !== undefined && !isNetmask(netmask)) {
        const message = `${JSON.stringify(netmask)} is not a netmask: cloud-init fails at it, and no network comes up`;
        const hint = 'For example "netmask: 255.255.255.0", or a prefix length behind the address.';
        problems.push(at(source, [...place.slice(0, -1), 'netmask'], 'address-invalid', message, hint));
      }
    }
  }
  return { problems, warnings: [] };
}

/** As Python's ipaddress takes it: ones and then zeros, the other way round, or the number of ones. */
function isNetmask(netmask: unknown): boolean {
  if (typeof netmask === 'number') return Number.isInteger(netmask) && netmask >= 0 && netmask <= 128;
  if (typeof netmask !== 'string') return false;
  if (/^\d{1,3}$/.test(netmask)) return Number(netmask) <= 128;
  if (isIP(netmask) === 6) return true;
  if (isIP(netmask) !== 4) return false;
  const bits = netmask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) || /^0*1*$/.test(bits);
}

/** Two devices that are to be found by the same hardware address: one of them gets the other's settings, or none. */
export function sameHardware(source: YamlSource): Problem[] {
  const seen = new Map<string, Path>();
  return devices(source).flatMap(({ path, values }) => {
    const mac = asMapping(values['match'])?.['macaddress'];
    return typeof mac === 'string' ? duplicate(source, seen, mac, [...path, 'match', 'macaddress']) : [];
  });
}

function duplicate(source: YamlSource, seen: Map<string, Path>, mac: string, place: Path): Problem[] {
  const first = seen.get(mac.toLowerCase());
  if (first === undefined) {
    seen.set(mac.toLowerCase(), place);
    return [];
  }
  return [at(source, place, 'network-duplicate-mac', sameAs(source, `the MAC address ${mac}`, first))];
}

function sameAs(source: YamlSource, what: string, first: Path): string {
  return `${what} is there twice: it already stands in line ${source.locate(first).line}`;
}

/** @param least netplan takes no address whose prefix length is 0 */
function addressFault(text: string, least = 1): string | undefined {
  const [address = '', prefix = ''] = text.split('/');
  const version = isPlainAddress(address) ? isIP(address) : 0;
  if (version === 0) return 'is not an IP address';
  const most = version === 4 ? 32 : 128;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= least && Number(prefix) <= most
    ? undefined
    : `has a prefix length that is not ${least} to ${most}`;
}

function isInside(address: string, network: string): boolean {
  const [base = '', prefix = ''] = network.split('/');
  const version = isIP(address);
  if (version === 0 || version !== isIP(base)) return false;
  const type = version === 4 ? 'ipv4' : 'ipv6';
  // A router's link-local address can always be reached.
  if (version === 6 && /^fe[89ab]/i.test(address)) return true;
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), type);
  return list.check(address, type);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
