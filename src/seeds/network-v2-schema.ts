import * as z from 'zod';
import {
  count,
  countOrText,
  flag,
  link,
  macAddress,
  name,
  networkmanager,
  openvswitch,
  physical,
  renderer,
} from './netplan-link-schema.js';

const auth = z.strictObject({
  'key-management': z
    .enum(['none', 'psk', 'psk-sha256', 'eap', 'eap-sha256', 'eap-suite-b-192', 'sae', '802.1x'])
    .optional(),
  password: z.string().optional(),
  method: z.enum(['tls', 'peap', 'ttls', 'leap', 'pwd']).optional(),
  identity: z.string().optional(),
  'anonymous-identity': z.string().optional(),
  'ca-certificate': z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-password': z.string().optional(),
  'phase2-auth': z.string().optional(),
});

/** WPA takes 8 to 63 characters, or the key that is made of them as 64 hex digits. */
const wifiPassword = z.string().refine((text) => /^.{8,63}$|^[0-9a-fA-F]{64}$/su.test(text), {
  error: 'a Wi-Fi password has 8 to 63 characters (or is the key itself, 64 hex digits)',
});

const accessPoint = z
  .strictObject({
    password: wifiPassword.optional(),
    mode: z.enum(['infrastructure', 'ap', 'adhoc']).optional(),
    bssid: macAddress.optional(),
    band: z.enum(['2.4GHz', '5GHz']).optional(),
    channel: count.optional(),
    hidden: flag.optional(),
    auth: auth.optional(),
    networkmanager: networkmanager.optional(),
  })
  .refine((point) => point.password === undefined || point.auth === undefined, {
    error: 'an access point has either a "password" or an "auth", not both',
    params: { hint: 'Move the password into "auth".' },
  })
  .refine((point) => point.channel === undefined || point.band !== undefined, {
    error: 'a "channel" without its "band" is ignored',
    params: { hint: 'Add "band: 2.4GHz" or "band: 5GHz".' },
  });

const ssid = z.string().refine((text) => text.length > 0 && Buffer.byteLength(text) <= 32, {
  error: 'an SSID has 1 to 32 bytes',
});

const wifi = z.strictObject({
  ...physical,
  'access-points': z.record(ssid, accessPoint),
  auth: auth.optional(),
  'regulatory-domain': z
    .string()
    .regex(/^([A-Z]{2}|00)$/, { error: 'must be a country code of two capital letters, like "DE"' })
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

const bond = z.strictObject({
  ...link,
  interfaces: z.array(name).optional(),
  parameters: z
    .strictObject({
      mode: z
        .enum([
          'balance-rr',
          'active-backup',
          'balance-xor',
          'broadcast',
          '802.3ad',
          'balance-tlb',
          'balance-alb',
          'balance-tcp',
          'balance-slb',
        ])
        .optional(),
      'lacp-rate': z.enum(['slow', 'fast']).optional(),
      'mii-monitor-interval': countOrText.optional(),
      'min-links': count.optional(),
      'transmit-hash-policy': z.string().optional(),
      'ad-select': z.enum(['stable', 'bandwidth', 'count']).optional(),
      'all-members-active': flag.optional(),
      'all-slaves-active': flag.optional(),
      'arp-interval': countOrText.optional(),
      'arp-ip-targets': z.array(z.string()).optional(),
      'arp-validate': z.enum(['none', 'active', 'backup', 'all']).optional(),
      'arp-all-targets': z.enum(['any', 'all']).optional(),
      'up-delay': countOrText.optional(),
      'down-delay': countOrText.optional(),
      'fail-over-mac-policy': z.enum(['none', 'active', 'follow']).optional(),
      'gratuitous-arp': count.optional(),
      'packets-per-member': count.optional(),
      'packets-per-slave': count.optional(),
      'primary-reselect-policy': z.enum(['always', 'better', 'failure']).optional(),
      'resend-igmp': count.optional(),
      'learn-packet-interval': countOrText.optional(),
      primary: name.optional(),
    })
    .optional(),
});

const bridge = z.strictObject({
  ...link,
  interfaces: z.array(name).optional(),
  parameters: z
    .strictObject({
      'ageing-time': countOrText.optional(),
      'aging-time': countOrText.optional(),
      priority: count.optional(),
      'port-priority': z.record(name, count).optional(),
      'forward-delay': countOrText.optional(),
      'hello-time': countOrText.optional(),
      'max-age': countOrText.optional(),
      'path-cost': z.record(name, count).optional(),
      stp: flag.optional(),
    })
    .optional(),
});

const vlan = z.strictObject({ ...link, id: z.number().int().min(0).max(4094), link: name });

const vrf = z.strictObject({ ...link, table: count, interfaces: z.array(name).optional() });

/** Tunnels and modems have some sixty keys of their own, and no device of ours has them: only that they are mappings is checked. */
const others = z.record(z.string(), z.looseObject({})).optional();

const id = z.string().regex(/^[^*?[\]\s]+$/, { error: 'an id holds no globs; they belong into "match: {name: …}"' });

/** All devices of a kind by their id. (netplan also takes a `renderer` here; nobody writes it, and it reads like an id.) */
function devices<Device extends z.ZodType>(device: Device): z.ZodOptional<z.ZodRecord<typeof id, Device>> {
  return z.record(id, device).optional();
}

/**
 * network-config version 2 as netplan 1.1 reads it (the keys of its src/parse.c; meaning in doc/netplan-yaml.md).
 * cloud-init hands the file to netplan unchanged; its own schema knows no `wifis` and refuses much that netplan takes.
 */
export const networkV2 = z.strictObject({
  version: z.literal(2),
  renderer: renderer.optional(),
  ethernets: devices(ethernet),
  wifis: devices(wifi),
  bonds: devices(bond),
  bridges: devices(bridge),
  vlans: devices(vlan),
  vrfs: devices(vrf),
  'dummy-devices': devices(z.strictObject(link)),
  'virtual-ethernets': devices(z.strictObject({ ...link, peer: name.optional() })),
  tunnels: others,
  modems: others,
  'nm-devices': others,
  openvswitch: openvswitch.optional(),
});
