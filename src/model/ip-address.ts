import { isIP } from 'node:net';
import type { IPv4, IPv6 } from 'ipaddr.js';
import ipaddr from 'ipaddr.js';

/** An address of an interface, with the length of its network's prefix in bits. */
export type InterfaceAddress = { readonly address: IPv4 | IPv6; readonly prefixLength: number };

/** As the kernel writes them: ipaddr.js also takes `127.1` and `0x7f000001`. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** `192.168.1.10/24`, `fd00::10/64`; undefined for anything else. */
export function parseInterfaceAddress(text: string): InterfaceAddress | undefined {
  const [address = '', prefix = ''] = text.split('/', 2);
  if (!isIpAddress(address) || address.includes('%') || !/^\d{1,3}$/.test(prefix)) return undefined;
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [parsed, prefixLength] = ipaddr.parseCIDR(text);
  return { address: parsed, prefixLength };
}

/** The same for every way to write an address: `fd00::1`, `FD00:0::1`. The text must be one. */
export function addressKey(address: string): string {
  return ipaddr.parse(address).toNormalizedString();
}

/** Whether a host can reach the other one without a gateway. Of two kinds: never. */
export function isInNetwork(other: string, { address, prefixLength }: InterfaceAddress): boolean {
  const parsed = ipaddr.parse(other);
  return parsed.kind() === address.kind() && parsed.match(address, prefixLength);
}

/** The first or last address of an IPv4 network names the network or all hosts of it, never one of them. */
export function isNetworkOrBroadcast({ address, prefixLength }: InterfaceAddress): boolean {
  if (address.kind() !== 'ipv4' || prefixLength > 30) return false;
  const network = `${address.toString()}/${prefixLength}`;
  const ends = [ipaddr.IPv4.networkAddressFromCIDR(network), ipaddr.IPv4.broadcastAddressFromCIDR(network)];
  return ends.some((end) => end.toString() === address.toString());
}
