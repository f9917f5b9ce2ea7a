import * as z from 'zod';

/** What devices of every kind have in common, as netplan 1.1 reads it (src/parse.c). */

export const flag = z.union([z.boolean(), z.enum(['yes', 'no', 'true', 'false', 'on', 'off'])]);
export const count = z.number().int().nonnegative();
export const countOrText = z.union([count, z.string()]);
export const name = z.string().min(1);
export const renderer = z.enum(['networkd', 'NetworkManager']);
const options = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const cidr = z.string().regex(/^[0-9a-fA-F:.]+\/\d{1,3}$/, {
  error: 'must be an address with its prefix length, like 192.168.1.10/24',
});
export const macAddress = z.string().regex(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/, {
  error: 'must be a MAC address in quotes, like "b8:27:eb:00:00:01"',
});

const dhcpOverrides = z.strictObject({
  hostname: z.string().optional(),
  'route-metric': count.optional(),
  'send-hostname': flag.optional(),
  'use-dns': flag.optional(),
  'use-domains': z.union([flag, z.literal('route')]).optional(),
  'use-hostname': flag.optional(),
  'use-mtu': flag.optional(),
  'use-ntp': flag.optional(),
  'use-routes': flag.optional(),
});

const route = z.strictObject({
  to: name,
  via: name.optional(),
  from: name.optional(),
  'on-link': flag.optional(),
  metric: count.optional(),
  type: z.string().optional(),
  scope: z.string().optional(),
  table: countOrText.optional(),
  mtu: count.optional(),
  'congestion-window': count.optional(),
  'advertised-receive-window': count.optional(),
  'advertised-mss': count.optional(),
});

const routingPolicy = z.strictObject({
  from: name.optional(),
  to: name.optional(),
  table: countOrText.optional(),
  priority: count.optional(),
  mark: count.optional(),
  'type-of-service': count.optional(),
});

const address = z.union([
  cidr,
  z.record(
    cidr,
    z.strictObject({ lifetime: z.union([z.literal('forever'), z.literal(0)]).optional(), label: name.optional() }),
  ),
]);

export const openvswitch = z.looseObject({});
export const networkmanager = z.strictObject({
  name: z.string().optional(),
  uuid: z.string().optional(),
  'stable-id': z.string().optional(),
  device: z.string().optional(),
  passthrough: options.optional(),
});

export const link = {
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
      'use-domains': z.union([flag, z.literal('route')]).optional(),
      table: countOrText.optional(),
    })
    .optional(),
  gateway4: name.optional(),
  gateway6: name.optional(),
  'ignore-carrier': flag.optional(),
  'activation-mode': z.enum(['manual', 'off']).optional(),
  'ipv6-address-generation': z.enum(['eui64', 'stable-privacy']).optional(),
  'ipv6-address-token': z.string().optional(),
  'ipv6-mtu': count.optional(),
  'ipv6-privacy': flag.optional(),
  'link-local': z.array(z.enum(['ipv4', 'ipv6'])).optional(),
  macaddress: z.union([macAddress, z.enum(['preserve', 'random', 'stable', 'permanent', 'stable-ssid'])]).optional(),
  mtu: count.optional(),
  nameservers: z
    .strictObject({ search: z.array(z.string()).optional(), addresses: z.array(z.string()).optional() })
    .optional(),
  optional: flag.optional(),
  'optional-addresses': z.array(z.enum(['ipv4-ll', 'ipv6-ra', 'dhcp4', 'dhcp6', 'static'])).optional(),
  renderer: renderer.optional(),
  routes: z.array(route).optional(),
  'routing-policy': z.array(routingPolicy).optional(),
  'neigh-suppress': flag.optional(),
  networkmanager: networkmanager.optional(),
  openvswitch: openvswitch.optional(),
};

export const physical = {
  ...link,
  match: z
    .strictObject({
      name: name.optional(),
      macaddress: macAddress.optional(),
      driver: z.union([name, z.array(name)]).optional(),
    })
    .optional(),
  'set-name': z.string().min(1).max(15).optional(),
  wakeonlan: flag.optional(),
  wakeonwlan: z.array(z.string()).optional(),
  'emit-lldp': flag.optional(),
  'receive-checksum-offload': flag.optional(),
  'transmit-checksum-offload': flag.optional(),
  'tcp-segmentation-offload': flag.optional(),
  'tcp6-segmentation-offload': flag.optional(),
  'generic-segmentation-offload': flag.optional(),
  'generic-receive-offload': flag.optional(),
  'large-receive-offload': flag.optional(),
};
