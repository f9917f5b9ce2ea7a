import { BlockList, isIP } from 'node:net';
import type { Problem } from '../errors.js';
import type { Path, YamlSource } from '../config/yaml-source.js';
import { asMapping } from './cloud-init-yaml.js';
import type { Findings } from './findings.js';

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
    return isDefault && via !== undefined && onLink !== true ? [[via, [...path, 'routes', index, 'via']]] : [];
  });
  return [...old, ...routes];
}

function nameservers(source: YamlSource, path: Path, list: unknown): Problem[] {
  return listOf(list).flatMap((server, index): Problem[] => {
    // netplan also takes "address#name" for DNS over TLS.
    const address = typeof server === 'string' ? (server.split('#')[0] ?? '') : '';
    if (typeof server === 'string' && isIP(address) !== 0) return [];
    const place = [...path, 'nameservers', 'addresses', index];
    return [at(source, place, 'address-invalid', `"${String(server)}" is not an IP address`)];
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
      const fault = addressFault(address.includes('/') ? address : `${address}/0`);
      if (fault !== undefined) problems.push(at(source, place, 'address-invalid', `"${address}" ${fault}`));
    }
  }
  return { problems, warnings: [] };
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

function addressFault(text: string): string | undefined {
  const [address = '', prefix = ''] = text.split('/');
  const version = isIP(address);
  if (version === 0) return 'is not an IP address';
  const most = version === 4 ? 32 : 128;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= most
    ? undefined
    : `has a prefix length that is not 0 to ${most}`;
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
