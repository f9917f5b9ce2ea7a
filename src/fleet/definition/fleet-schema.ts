import * as z from 'zod';
import { isIpAddress, parseInterfaceAddress } from '../../model/ip-address.js';
import { hostnameFault } from '../../seeds/text/hostname.js';

const text = z.string().min(1, { error: 'must not be empty' });
/** Begins at the folder of the file that it stands in. */
const path = text;

/** Also the name of a folder and of a file, so it must be safe as one on every system. */
const name = z.string().refine((value) => hostnameFault(value) === undefined, {
  error: ({ input }) => `the name ${JSON.stringify(input)} ${hostnameFault(String(input)) ?? ''}`,
});

const hostname = z.string().refine((value) => fqdnFault(value) === undefined, {
  error: ({ input }) => `the host name ${JSON.stringify(input)} ${fqdnFault(String(input)) ?? ''}`,
  params: { code: 'hostname-invalid' },
});

function fqdnFault(value: string): string | undefined {
  return hostnameFault(value.replaceAll('{name}', 'x'), true);
}

const ipAddress = z.string().refine(isIpAddress, { error: 'must be an IP address, like 192.168.1.1' });

const interfaceAddress = z.string().refine((value) => parseInterfaceAddress(value) !== undefined, {
  error: 'must be an address and its prefix length, like 192.168.1.10/24',
});

const macAddress = z.string().regex(/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i, {
  error: 'must be a MAC address, like dc:a6:32:01:02:03',
});

const wifi = z
  .strictObject({
    ssid: z
      .string()
      .refine((value) => value !== '' && Buffer.byteLength(value) <= 32, { error: 'an SSID has 1 to 32 bytes' })
      .optional()
      .describe('Name of the network.'),
    passphrase: z
      .string()
      .regex(/^[\x20-\x7e]{8,63}$/, { error: 'a Wi-Fi passphrase has 8 to 63 characters of ASCII' })
      .optional()
      .describe('Turned into the key of the network; a seed never holds it.'),
    'passphrase-file': path.optional().describe('File whose first line is the passphrase.'),
    psk: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, { error: 'a key of a Wi-Fi network has 64 hex digits' })
      .optional()
      .describe('The key itself, as `wpa_passphrase` makes it: 64 hex digits.'),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, { error: 'must be a country code of two capital letters, like "DE"' })
      .optional()
      .describe('Country whose radio rules apply. Without it most channels of 5 GHz stay off.'),
    hidden: z.boolean().optional().describe('The network does not tell its name.'),
    wpa3: z
      .boolean()
      .optional()
      .describe('Joined by WPA3 only. It needs the passphrase itself, which then stands in the seed.'),
    identity: text
      .optional()
      .describe('Account of an enterprise network (802.1X, PEAP); the passphrase is its password.'),
  })
  .describe('Wi-Fi network to join.');

const network = z
  .strictObject({
    address: interfaceAddress.optional().describe('Fixed address with its prefix length. Unique. DHCP without it.'),
    gateway: ipAddress.optional().describe('Default route.'),
    routes: z
      .array(
        z.string().regex(/^[^,\s]+\s*,\s*[^,\s]+$/, { error: 'must be NETWORK,ROUTER like 10.1.0.0/16,192.168.1.1' }),
      )
      .optional()
      .describe('NETWORK,ROUTER: further routes.'),
    dns: z.array(ipAddress).optional().describe('Name servers.'),
    interface: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,15}$/, { error: 'must be the name of a network interface, like eth0' })
      .optional()
      .describe('Which interface; by default the only wired one of the network-config.'),
  })
  .describe('Fixed address of the wired port.');

const user = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/, { error: 'must be small letters, digits, _ and -, and begin with a letter' })
      .optional()
      .describe('Login name.'),
    'password-hash': z
      .string()
      .regex(/^\$[0-9a-z]+\$.*\$/, { error: 'must be a hash. Make one with: openssl passwd -6' })
      .optional()
      .describe('Hash of the password, as `openssl passwd -6` makes it.'),
    'password-file': path.optional().describe('File whose first line is the password; a seed holds its hash only.'),
    groups: z.array(text).optional().describe('Groups. By default adm, docker, sudo.'),
  })
  .describe('A user, beside those of the user-data; one of the same name gets these values.');

/** Values that a device may have and that `defaults` may give to all. */
const values = {
  hostname: hostname.optional().describe('Host name; by default the name of the device.'),
  user: user.optional(),
  'ssh-keys': z
    .array(text)
    .optional()
    .describe('Public keys that may log in: the keys themselves, or files that hold them.'),
  wifi: wifi.optional(),
  network: network.optional(),
  timezone: text.optional().describe('Time zone, like Europe/Berlin.'),
  'user-data': path.optional().describe('cloud-init user-data that the other values are worked into.'),
  'meta-data': path.optional().describe('cloud-init meta-data that the other values are worked into.'),
  'network-config': path.optional().describe('cloud-init network-config that the other values are worked into.'),
  'config-txt': z
    .record(z.string(), z.union([z.string(), z.number()]))
    .optional()
    .describe('Keys of config.txt. Written to images and cards; a rendered seed does not hold them.'),
  files: z
    .array(z.string().regex(/^[^:]+:[^:]+$/, { error: 'must be SOURCE:TARGET, two paths with a colon between them' }))
    .optional()
    .describe('SOURCE:TARGET, files for /boot. Written to images and cards; a rendered seed does not hold them.'),
  flock: path.optional().describe('.flock or .reswarm file: its values count where the list has none of its own.'),
};

/** What only one device can have. */
const own = {
  'instance-id': z
    .string()
    .regex(/^[\x21-\x7e]+$/, { error: 'must be one word: printable ASCII without spaces' })
    .optional()
    .describe('By it cloud-init tells whether a device is new. Unique; by default a digest of the seed.'),
  serial: text.optional().describe('Serial number, or how you number devices. Unique; for your own records.'),
  mac: macAddress.optional().describe('MAC address. Unique; for your own records, such as the DHCP server.'),
};

export const deviceSchema = z.strictObject({
  name: name.describe('What the device is called in the fleet, its folder, its overlay. Unique.'),
  ...own,
  ...values,
});

export const defaultsSchema = z.strictObject(values);

export const fleetSchema = z.strictObject({
  defaults: defaultsSchema
    .optional()
    .describe('Values of every device that has none of its own. {name} in them is the name of the device.'),
  devices: z
    .union([z.array(deviceSchema).min(1, { error: 'there is no device in this list' }), path])
    .describe('The devices; or the path of a CSV file, or of a folder of .flock files, that lists them.'),
});

export type DeviceValues = z.infer<typeof deviceSchema>;
export type DefaultValues = z.infer<typeof defaultsSchema>;
