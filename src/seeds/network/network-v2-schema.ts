import * as z from 'zod';
import {
  anyCase,
  count,
  flag,
  ipv4,
  link,
  macAddress,
  name,
  networkmanager,
  openvswitch,
  physical,
  renderer,
  routing,
  text,
} from './netplan-link-schema.js';
import { modem, tunnel } from './netplan-tunnel-schema.js';

const auth = z.strictObject({
  'key-management': z
    .enum(['none', 'psk', 'psk-sha256', 'eap', 'eap-sha256', 'eap-suite-b-192', 'sae', '802.1x'])
    .optional(),
  password: text.optional(),
  method: z.enum(['tls', 'peap', 'ttls', 'leap', 'pwd']).optional(),
  identity: text.optional(),
  'anonymous-identity': text.optional(),
  'ca-certificate': text.optional(),
  'client-certificate': text.optional(),
  'client-key': text.optional(),
  'client-key-password': text.optional(),
  'phase2-auth': text.optional(),
});

const accessPoint = z.strictObject({
  password: text.optional(),
  mode: z.enum(['infrastructure', 'ap', 'adhoc']).optional(),
  bssid: macAddress.optional(),
  band: z.enum(['2.4GHz', '2.4G', '5GHz', '5G']).optional(),
  channel: count.optional(),
  hidden: flag.optional(),
  auth: auth.optional(),
  networkmanager: networkmanager.optional(),
});

const wifi = z.strictObject({
  ...physical,
  'access-points': z
    .record(text, accessPoint)
    .refine((points) => Object.keys(points).length > 0, { error: 'names no Wi-Fi; netplan refuses the whole file' }),
  auth: auth.optional(),
  'regulatory-domain': z
    .string()
    .regex(/^([A-Z]{2}|00)$/, { error: 'must be a country code of two capital letters in quotes, like "DE"' })
    .optional(),
});

const ethernet = z.strictObject({
  ...physical,
  auth: auth.optional(),
  link: name.optional(),
  'virtual-function-count': count.optional(),
  'embedded-switch-mode': z.enum(['switchdev', 'legacy']).optional(),
  'delay-virtual-functions-rebind': flag.optional(),
  'infiniband-mode': z.enum(['datagram', 'connected']).optional(),
});

const BOND_MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;

const bond = z.strictObject({
  ...link,
  interfaces: z.array(name).optional(),
  parameters: z
    .strictObject({
      mode: z.enum([...BOND_MODES, 'balance-tcp', 'balance-slb']).optional(),
      'lacp-rate': z.enum(['slow', 'fast']).optional(),
      'mii-monitor-interval': text.optional(),
      'min-links': count.optional(),
      'transmit-hash-policy': text.optional(),
      'ad-select': text.optional(),
      'all-members-active': flag.optional(),
      'all-slaves-active': flag.optional(),
      'arp-interval': text.optional(),
      'arp-ip-targets': z.array(ipv4).optional(),
      'arp-validate': text.optional(),
      'arp-all-targets': text.optional(),
      'up-delay': text.optional(),
      'down-delay': text.optional(),
      'fail-over-mac-policy': text.optional(),
      'gratuitous-arp': count.optional(),
      // netplan's own old misspelling
      'gratuitious-arp': count.optional(),
      'packets-per-member': count.optional(),
      'packets-per-slave': count.optional(),
      'primary-reselect-policy': text.optional(),
      'resend-igmp': count.optional(),
      'learn-packet-interval': text.optional(),
      primary: name.optional(),
    })
    .optional(),
});

const bridge = z.strictObject({
  ...link,
  interfaces: z.array(name).optional(),
  parameters: z
    .strictObject({
      'ageing-time': text.optional(),
      'aging-time': text.optional(),
      priority: count.optional(),
      'port-priority': z.record(name, count).optional(),
      'forward-delay': text.optional(),
      'hello-time': text.optional(),
      'max-age': text.optional(),
      'path-cost': z.record(name, count).optional(),
      stp: flag.optional(),
    })
    .optional(),
});

const vlan = z.strictObject({
  ...link,
  renderer: z.union([renderer, anyCase(['sriov'])]).optional(),
  id: count.refine((number) => Number(number) <= 4094, { error: 'must be 0 to 4094' }),
  link: name,
});

const vrf = z.strictObject({
  ...routing,
  renderer: renderer.optional(),
  table: count,
  interfaces: z.array(name).optional(),
});

const id = z
  .string()
  .regex(/^[!-~]+$/, { error: 'an id is a name without spaces, of ASCII characters' })
  .regex(/^[^*?[\]]+$/, { error: 'an id holds no globs; they belong into "match: {name: …}"' });

/** All devices of a kind by their id. */
function devices<Device extends z.ZodType>(device: Device): z.ZodOptional<z.ZodRecord<typeof id, Device>> {
  return z.record(id, device).optional();
}

/**
 * network-config version 2 as netplan 1.1 reads it (the keys of its src/parse.c; meaning in doc/netplan-yaml.md), after
 * `netplanText` and without the `renderer` of kinds. cloud-init hands the file to netplan unchanged; its own schema
 * knows no `wifis` and refuses much that netplan takes.
 */
export const networkV2 = z.strictObject({
  version: z.literal('2'),
  renderer: renderer.optional(),
  ethernets: devices(ethernet),
  wifis: devices(wifi),
  bonds: devices(bond),
  bridges: devices(bridge),
  vlans: devices(vlan),
  vrfs: devices(vrf),
  'dummy-devices': devices(z.strictObject(link)),
  'virtual-ethernets': devices(z.strictObject({ ...link, peer: name })),
  tunnels: devices(tunnel),
  modems: devices(modem),
  'nm-devices': devices(ethernet),
  openvswitch: openvswitch.optional(),
});
