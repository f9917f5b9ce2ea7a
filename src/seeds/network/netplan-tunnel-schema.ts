import * as z from 'zod';
import { count, flag, ipAddress, ipv4, ipOrNetwork, link, name, physical, text } from './netplan-link-schema.js';

/** Tunnels and modems, as netplan 1.1 reads them (src/parse.c, src/validation.c). */

const WIREGUARD_KEY = /^[A-Za-z0-9+/]{43}=$/;
const wireguardKey = z.string().regex(WIREGUARD_KEY, { error: 'must be a WireGuard key, as `wg genkey` makes it' });
const keyOrFile = z.string().refine((key) => key.startsWith('/') || WIREGUARD_KEY.test(key), {
  error: 'must be a WireGuard key, as `wg genkey` makes it, or the path of a file that holds it',
});
const portList = z.array(count).length(2).optional();

const endpoint = z.string().regex(/^(|\[[0-9a-fA-F:.]+\]:\d{1,5}|[^\s:[\]]+:\d{1,5})$/, {
  error: 'must be an address or a name with a port, like vpn.example.org:51820',
});

const peer = z.strictObject({
  keys: z.strictObject({ public: wireguardKey, shared: keyOrFile.optional() }),
  keepalive: count.refine((seconds) => Number(seconds) <= 65_535, { error: 'must be 0 to 65535 seconds' }).optional(),
  endpoint: endpoint.optional(),
  'allowed-ips': z.array(ipOrNetwork).optional(),
});

const keys = z.union([
  text,
  z.strictObject({
    input: text.optional(),
    output: text.optional(),
    private: text.optional(),
    'private-key-flags': z.array(z.enum(['agent-owned', 'not-saved', 'not-required'])).optional(),
  }),
]);

/** zod's name for what a rule of ours finds. */
const CUSTOM = 'custom' as const;

const NEEDS_IPV6 = ['ipip6', 'ip6ip6', 'ip6gre', 'ip6gretap', 'vti6'];
const TAKES_KEY = ['vti', 'vti6', 'gre', 'ip6gre', 'gretap', 'ip6gretap'];
const MODES = ['ipip', 'gre', 'sit', 'vti', 'gretap', 'wireguard', 'vxlan', ...NEEDS_IPV6] as const;

export const tunnel = z
  .strictObject({
    ...link,
    mode: z.enum(MODES),
    local: ipAddress.optional(),
    remote: ipAddress.optional(),
    ttl: count.refine((hops) => Number(hops) <= 255, { error: 'must be 1 to 255' }).optional(),
    key: keys.optional(),
    keys: keys.optional(),
    mark: count.optional(),
    port: count.optional(),
    peers: z.array(peer).optional(),
    // VXLAN
    id: count.optional(),
    link: name.optional(),
    ageing: count.optional(),
    aging: count.optional(),
    limit: count.optional(),
    'type-of-service': count.optional(),
    'flow-label': count.optional(),
    'do-not-fragment': flag.optional(),
    'short-circuit': flag.optional(),
    'arp-proxy': flag.optional(),
    'mac-learning': flag.optional(),
    notifications: z.array(text).optional(),
    checksums: z.array(text).optional(),
    extensions: z.array(text).optional(),
    'port-range': portList,
  })
  .superRefine((device, context) => {
    const refuse = (path: string, message: string): void => {
      context.addIssue({ code: CUSTOM, path: [path], message });
    };
    const { mode, local, remote } = device;
    if (mode === 'wireguard') {
      const given = device.key ?? device.keys;
      const key = typeof given === 'string' ? given : given?.private;
      if (key !== undefined && !keyOrFile.safeParse(key).success) {
        refuse(device.key === undefined ? 'keys' : 'key', 'must hold a WireGuard key, as `wg genkey` makes it');
      }
      return;
    }
    if (mode === 'vxlan') {
      const id = Number(device.id ?? 0);
      if (id < 1 || id > 16_777_215) refuse('id', 'a vxlan needs an "id" of 1 to 16777215');
      return;
    }
    const given = device.key ?? device.keys;
    const own = typeof given === 'string' ? [given] : [given?.input, given?.output].filter((key) => key !== undefined);
    const place = device.key === undefined ? 'keys' : 'key';
    if (own.length > 0 && !TAKES_KEY.includes(mode)) refuse(place, `a tunnel of mode ${mode} takes no key`);
    if (own.some((key) => !count.safeParse(key).success && !ipv4.safeParse(key).success)) {
      refuse(place, 'the key of a tunnel is a number, or four of them like 10.0.0.1');
    }
    if (remote === undefined) refuse('remote', `a tunnel of mode ${mode} needs a "remote" address`);
    const version = NEEDS_IPV6.includes(mode) ? 6 : 4;
    for (const [key, address] of Object.entries({ local, remote })) {
      if (address !== undefined && (address.includes(':') ? 6 : 4) !== version) {
        refuse(key, `a tunnel of mode ${mode} goes between IPv${version} addresses`);
      }
    }
  });

export const modem = z.strictObject({
  ...physical,
  apn: text.optional(),
  'auto-config': flag.optional(),
  'device-id': text.optional(),
  'network-id': text.optional(),
  number: text.optional(),
  password: text.optional(),
  pin: text.optional(),
  'sim-id': text.optional(),
  'sim-operator-id': text.optional(),
  username: text.optional(),
});
