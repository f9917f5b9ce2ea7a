import { isIP, isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';

/** What devices of every kind have in common, as netplan 1.1 reads it (src/parse.c). Every scalar is text to it. */

const MAC = /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(:([0-9a-fA-F]{2}:){13}[0-9a-fA-F]{2})?$/;
const LARGEST_COUNT = 4_294_967_295;

/** netplan does not look at capitals here. */
export function anyCase(words: readonly string[]): z.ZodType<string> {
  return z.string().refine((text) => words.includes(text.toLowerCase()), {
    error: `must be ${words.map((word) => `"${word}"`).join(' or ')}`,
  });
}

export const text = z.string();
export const flag = z.string().refine((word) => /^(true|on|yes|y|false|off|no|n)$/i.test(word), {
  error: 'must be true or false',
  params: { code: 'wrong-type' },
});
export const count = z.string().refine((digits) => /^\d+$/.test(digits) && Number(digits) <= LARGEST_COUNT, {
  error: 'must be a whole number',
  params: { code: 'wrong-type' },
});
export const name = z.string().regex(/^[!-~]+$/, { error: 'must be a name without spaces' });
export const renderer = z.enum(['networkd', 'NetworkManager']);
const options = z.record(z.string(), z.string());

export const ipAddress = z.string().refine(isPlainAddress, { error: 'must be an IP address' });
export const ipv4 = z.string().refine((address) => isIPv4(address), { error: 'must be an IPv4 address' });
export const ipv6 = z.string().refine((address) => isPlainAddress(address) && isIPv6(address), {
  error: 'must be an IPv6 address',
});
/** With a prefix length or without. */
export const ipOrNetwork = z.string().refine((address) => isPlainAddress(address.replace(/\/[^/]*$/, '')), {
  error: 'must be an IP address or a network, like 10.0.0.0/8',
});
const cidr = z.string().regex(/^[^/]+\/.*$/, {
  error: 'must be an address with its prefix length, like 192.168.1.10/24',
});
export const macAddress = z.string().regex(MAC, {
  error: 'must be a MAC address in quotes, like "b8:27:eb:00:00:01"',
});

/** netplan asks inet_pton, which takes no zone ("fe80::1%eth0"). */
export function isPlainAddress(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%');
}

const dhcpOverrides = z.strictObject({
  hostname: text.optional(),
  'route-metric': count.optional(),
  'send-hostname': flag.optional(),
  'use-dns': flag.optional(),
  'use-domains': text.optional(),
  'use-hostname': flag.optional(),
  'use-mtu': flag.optional(),
  'use-ntp': flag.optional(),
  'use-routes': flag.optional(),
});

const ROUTE_TYPES = [
  'unicast',
  'anycast',
  'blackhole',
  'broadcast',
  'local',
  'multicast',
  'nat',
  'prohibit',
  'throw',
  'unreachable',
  'xresolve',
] as const;

const route = z.strictObject({
  to: z.union([z.literal('default'), ipOrNetwork]).optional(),
  via: ipOrNetwork.optional(),
  from: ipOrNetwork.optional(),
  'on-link': flag.optional(),
  metric: count.optional(),
  type: anyCase(ROUTE_TYPES).optional(),
  scope: anyCase(['global', 'link', 'host']).optional(),
  table: count.optional(),
  mtu: count.optional(),
  'congestion-window': count.optional(),
  'advertised-receive-window': count.optional(),
  'advertised-mss': count.optional(),
});

const routingPolicy = z.strictObject({
  from: ipOrNetwork.optional(),
  to: ipOrNetwork.optional(),
  table: count.optional(),
  priority: count.optional(),
  mark: count.optional(),
  'type-of-service': count.optional(),
});

const address = z.union([
  cidr,
  z.record(cidr, z.strictObject({ lifetime: z.enum(['forever', '0']).optional(), label: text.optional() })),
]);

/** What it holds is checked by Open vSwitch alone; that it is not in the image is said elsewhere. */
export const openvswitch = z.looseObject({});
export const networkmanager = z.strictObject({
  name: text.optional(),
  uuid: text.optional(),
  'stable-id': text.optional(),
  device: text.optional(),
  passthrough: options.optional(),
});

export const routing = {
  routes: z.array(route).optional(),
  'routing-policy': z.array(routingPolicy).optional(),
};

export const link = {
  ...routing,
  'accept-ra': flag.optional(),
  addresses: z.array(address).optional(),
  critical: flag.optional(),
  dhcp4: flag.optional(),
  dhcp6: flag.optional(),
  'dhcp-identifier': z.enum(['duid', 'mac']).optional(),
  'dhcp4-overrides': dhcpOverrides.optional(),
  'dhcp6-overrides': dhcpOverrides.optional(),
  'ra-overrides': z
    .strictObject({
      'use-dns': flag.optional(),
      'use-domains': z.union([flag, anyCase(['route'])]).optional(),
      table: count.optional(),
    })
    .optional(),
  gateway4: ipv4.optional(),
  gateway6: ipv6.optional(),
  'ignore-carrier': flag.optional(),
  'activation-mode': z.enum(['manual', 'off']).optional(),
  'ipv6-address-generation': z.enum(['eui64', 'stable-privacy']).optional(),
  'ipv6-address-token': ipv6.optional(),
  'ipv6-mtu': count.optional(),
  'ipv6-privacy': flag.optional(),
  'link-local': z.array(anyCase(['ipv4', 'ipv6'])).optional(),
  macaddress: z.union([macAddress, z.enum(['preserve', 'random', 'stable', 'permanent', 'stable-ssid'])]).optional(),
  mtu: count.optional(),
  nameservers: z.strictObject({ search: z.array(text).optional(), addresses: z.array(text).optional() }).optional(),
  optional: flag.optional(),
  'optional-addresses': z.array(anyCase(['ipv4-ll', 'ipv6-ra', 'dhcp4', 'dhcp6', 'static'])).optional(),
  renderer: renderer.optional(),
  hairpin: flag.optional(),
  'port-mac-learning': flag.optional(),
  'neigh-suppress': flag.optional(),
  networkmanager: networkmanager.optional(),
  openvswitch: openvswitch.optional(),
};

const driver = z.string().regex(/^[^ ]*$/, { error: 'must be a pattern without spaces' });

export const physical = {
  ...link,
  match: z
    .strictObject({
      name: name.optional(),
      macaddress: macAddress.optional(),
      driver: z.union([driver, z.array(driver).min(1)]).optional(),
    })
    .optional(),
  'set-name': z.string().min(1).max(15).optional(),
  wakeonlan: flag.optional(),
  wakeonwlan: z
    .array(
      anyCase([
        'default',
        'any',
        'disconnect',
        'magic_pkt',
        'gtk_rekey_failure',
        'eap_identity_req',
        'four_way_handshake',
        'rfkill_release',
        'tcp',
      ]),
    )
    .optional(),
  'emit-lldp': flag.optional(),
  'receive-checksum-offload': flag.optional(),
  'transmit-checksum-offload': flag.optional(),
  'tcp-segmentation-offload': flag.optional(),
  'tcp6-segmentation-offload': flag.optional(),
  'generic-segmentation-offload': flag.optional(),
  'generic-receive-offload': flag.optional(),
  'large-receive-offload': flag.optional(),
};
