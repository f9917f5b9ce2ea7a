import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isPlainAddress } from '../network/netplan-link-schema.js';
import { hostnameFault } from '../text/hostname.js';
import type { Place, TinyValues } from './tiny-values.js';

/** What is done to the interfaces that an entry matches: a line each, as native/seed-reader.c writes them. */
export type TinyLink = readonly string[];

const MOST_ENTRIES = 64;
const LONGEST_GLOB = 64;

type Seen = { readonly addresses: Set<string>; readonly macs: Set<string> };

/** The parts of an entry, in the order in which they are applied. */
type Parts = Readonly<Record<'match' | 'mtu' | 'address' | 'dhcp' | 'route' | 'gateway' | 'dns' | 'search', string[]>>;

/** Reads a network-config of version 2; [] where the network is off, undefined where nothing of it can be used. */
export function readTinyNetwork(root: Place, values: TinyValues): readonly TinyLink[] | undefined {
  if (!values.isMapping(root) || values.value(root, 'network') === undefined) return readNetwork(root, values);
  let links: readonly TinyLink[] | undefined;
  values.fields(root, {
    network: (place) => {
      links = readNetwork(place, values);
    },
  });
  return links;
}

function readNetwork(place: Place, values: TinyValues): readonly TinyLink[] | undefined {
  let links: readonly TinyLink[] | undefined;
  if (values.isMapping(place) && values.value(place, 'config') !== undefined) {
    values.fields(place, {
      config: (config) => {
        if (values.isText(config, 'disabled')) links = [];
        else values.refuse(config, 'can only be "disabled": a tiny system reads networks of version 2', VERSION_2);
      },
    });
    return links;
  }
  const fields = values.fields(place, {
    version: (version) => {
      if (values.digits(version) !== '2') values.refuse(version, 'must be the number 2 on a tiny system', VERSION_2);
    },
    ethernets: (ethernets) => {
      links = readEthernets(ethernets, values);
    },
  });
  if (!fields.has('version') || !fields.has('ethernets'))
    values.refuse(place, 'must have "version: 2" and "ethernets"', VERSION_2);
  return links;
}

const VERSION_2 = 'Write "version: 2" and "ethernets: { eth0: { dhcp4: true } }", or leave the file out.';

function readEthernets(place: Place, values: TinyValues): readonly TinyLink[] | undefined {
  const entries = values.mapping(place);
  if (entries === undefined) return undefined;
  if (entries.size === 0 || entries.size > MOST_ENTRIES) {
    values.refuse(place, `must have 1 to ${MOST_ENTRIES} entries`, VERSION_2);
    return;
  }
  const seen: Seen = { addresses: new Set(), macs: new Set() };
  const links = [...entries.values()].flatMap((entry) => readEthernet(entry, values, seen) ?? []);
  return links.length === 0 ? undefined : links;
}

function readEthernet(entry: Place, values: TinyValues, seen: Seen): readonly [TinyLink] | undefined {
  const parts: Parts = { match: [], mtu: [], address: [], dhcp: [], route: [], gateway: [], dns: [], search: [] };
  const fields = values.fields(entry, {
    match: (place) => {
      readMatch(place, values, parts, seen);
    },
    dhcp4: (place) => {
      if (values.truth(place) === true) parts.dhcp.push('dhcp');
    },
    dhcp6: (place) => {
      values.mustBeFalse(place, 'a tiny system asks for IPv4 addresses only');
    },
    // Nothing of a tiny system waits for a network.
    optional: (place) => void values.truth(place),
    mtu: (place) => {
      const mtu = values.number(place, 68, 65_535);
      if (mtu !== undefined) parts.mtu.push(`mtu ${mtu}`);
    },
    addresses: (place) => {
      readAddresses(place, values, parts, seen);
    },
    gateway4: (place) => {
      readGateway(place, 4, values, parts);
    },
    gateway6: (place) => {
      readGateway(place, 6, values, parts);
    },
    routes: (place) => {
      (values.list(place) ?? []).forEach((route) => {
        readRoute(route, values, parts);
      });
    },
    nameservers: (place) => {
      readNameServers(place, values, parts);
    },
  });
  if (!values.isMapping(entry)) return undefined;
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(entry.name);
  if (!fields.has('match') && isName) parts.match.push(`match name ${entry.name}`);
  else if (!fields.has('match')) values.refuse(entry, 'is not the name of an interface', 'Add a "match".');
  const lines = Object.values(parts).flat();
  values.takeBytes(entry, Buffer.byteLength(lines.map((line) => `${line}\n`).join('')));
  return parts.match.length === 0 ? undefined : [lines];
}

function readMatch(place: Place, values: TinyValues, { match }: Parts, { macs }: Seen): void {
  if (values.isEmpty(place)) values.refuse(place, 'must have "name" or "macaddress"');
  values.fields(place, {
    name: (name) => {
      const glob = values.text(name);
      if (glob === undefined) return;
      if (/^[A-Za-z0-9._*?-]+$/.test(glob) && glob.length <= LONGEST_GLOB) match.push(`match name ${glob}`);
      else values.refuse(name, 'must be the name of an interface, with * and ? for any characters');
    },
    macaddress: (address) => {
      const mac = values.text(address)?.toLowerCase();
      if (mac === undefined) return;
      const isMac = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac);
      if (!isMac) {
        values.refuse(address, 'must be a MAC address in quotes, like "b8:27:eb:00:00:01"');
        return;
      }
      if (macs.has(mac)) values.refuse(address, 'names a MAC address that another entry has');
      macs.add(mac);
      match.push(`match mac ${mac}`);
    },
  });
}

function readAddresses(place: Place, values: TinyValues, { address }: Parts, { addresses }: Seen): void {
  for (const item of values.list(place) ?? []) {
    const text = values.text(item);
    if (text === undefined) continue;
    if (networkOf(text, 1) === undefined) {
      values.refuse(item, 'must be addresses with their prefix length, like 192.168.1.10/24');
      continue;
    }
    const bare = text.split('/')[0] ?? text;
    if (addresses.has(bare)) values.refuse(item, `names ${bare}, which is there twice`);
    addresses.add(bare);
    address.push(`address ${text}`);
  }
}

function versionOf(text: string): 0 | 4 | 6 {
  return isPlainAddress(text) ? (isIP(text) as 4 | 6) : 0;
}

/** "ADDRESS/BITS". */
function networkOf(text: string, leastBits: number): { readonly version: 4 | 6; readonly bits: number } | undefined {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = versionOf(address);
  const bits = Number(digits);
  return version === 0 || bits < leastBits || bits > (version === 4 ? 32 : 128) ? undefined : { version, bits };
}

function readGateway(place: Place, version: 4 | 6, values: TinyValues, parts: Parts): void {
  const address = values.text(place);
  if (address === undefined) return;
  if (versionOf(address) === version) keepGateway(place, address, values, parts);
  else values.refuse(place, `must be an IPv${version} address`);
}

function keepGateway(place: Place, address: string, values: TinyValues, { gateway }: Parts): void {
  const isOther = (line: string): boolean => line.includes(':') !== address.includes(':');
  if (gateway.every(isOther)) gateway.push(`gateway ${address}`);
  else values.refuse(place, 'is a second default route', 'Keep one: a tiny system does not weigh routes.');
}

function readRoute(place: Place, values: TinyValues, parts: Parts): void {
  const before = values.problems.length;
  const text: { to?: string | undefined; via?: string | undefined } = {};
  values.fields(place, {
    to: (to) => {
      text.to = values.text(to);
    },
    via: (via) => {
      text.via = values.text(via);
    },
  });
  if (values.problems.length > before) return;
  const { to, via } = text;
  const version = via === undefined ? 0 : versionOf(via);
  if (to === undefined || via === undefined || version === 0) {
    values.refuse(place, 'must have "to" and "via", the address of a router');
    return;
  }
  const network = to === 'default' ? { version, bits: 0 } : networkOf(to, 0);
  if (network?.version !== version || (network.bits > 0 && hasHostBits(to))) {
    values.refuse(place, 'must go "to" default or a network like 10.0.0.0/8, of the same kind as "via"');
    return;
  }
  if (network.bits === 0) keepGateway(place, via, values, parts);
  else parts.route.push(`route ${to} ${via}`);
}

/** 10.0.0.1/8 is no network: the kernel takes no route to it. */
function hasHostBits(network: string): boolean {
  const [address, bits] = ipaddr.parseCIDR(network);
  const bytes = address.toByteArray();
  return bytes.some((byte, index) => (byte & (0xff >> Math.min(8, Math.max(0, bits - 8 * index)))) !== 0);
}

function readNameServers(place: Place, values: TinyValues, { dns, search }: Parts): void {
  values.fields(place, {
    addresses: (list) => {
      for (const item of values.list(list) ?? []) {
        const address = values.text(item);
        if (address === undefined) continue;
        if (versionOf(address) === 0) values.refuse(item, `hold "${address}", which is not an IP address`);
        dns.push(`dns ${address}`);
      }
    },
    search: (list) => {
      for (const item of values.list(list) ?? []) {
        const domain = values.text(item);
        if (domain === undefined) continue;
        if (hostnameFault(domain, true) !== undefined) values.refuse(item, `holds "${domain}", which is not a domain`);
        search.push(`search ${domain}`);
      }
    },
  });
}
