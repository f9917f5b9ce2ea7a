import { describe, expect, it } from 'vitest';
import { hashPasswords, seedOf } from '../../../../src/seeds/device/identity.js';
import type { DeviceIdentity } from '../../../../src/seeds/device/device-identity.js';
import { wifiKey } from '../../../../src/seeds/network/wifi-key.js';
import { checkSeed } from '../../../../src/seeds/check-seed.js';
import { readSeedYaml } from '../../../../src/seeds/yaml/cloud-init-yaml.js';
import { readDefaultSeed } from '../../../../src/seeds/compose/read-seed.js';
import { passwordHasher, sha512Crypt } from '../../../../src/seeds/passwords/sha512-crypt.js';
import { ed25519Key } from '../../../helpers/seed-keys.js';

const base = await readDefaultSeed('cloud-init');
const file = (text: string) => ({ file: 'mine', text });
const value = (text = ''): unknown => readSeedYaml({ file: 'x', text }).value;
const codes = (identity: DeviceIdentity, over = base): string[] =>
  seedOf(identity, over).problems.map(({ code }) => code);

/** The seed, found right, as data. */
function seed(identity: DeviceIdentity, over = base): { user: unknown; meta: unknown; network: unknown } {
  const { files, problems } = seedOf(identity, over);
  expect(problems).toEqual([]);
  expect(checkSeed(files).problems).toEqual([]);
  return {
    user: value(files.userData.text),
    meta: value(files.metaData.text),
    network: value(files.networkConfig?.text),
  };
}

describe('a device that is given', () => {
  it('nothing is the base, byte for byte', () => {
    expect(seedOf({}, base).files).toEqual(base);
  });

  it('a name has it, whatever the base was called', () => {
    const over = {
      ...base,
      userData: file('#cloud-config\nhostname: old\nfqdn: old.example.org\n'),
      metaData: file('instance-id: i-1\nlocal-hostname: old\n'),
    };
    const { user, meta } = seed({ hostname: 'new' }, over);
    expect(user).toMatchObject({ hostname: 'new', fqdn: 'new.example.org' });
    expect(meta).toEqual({ 'instance-id': 'auto', 'local-hostname': 'new' });
  });

  it('a name that its own user-data contradicts is refused', () => {
    expect(codes({ hostname: 'new', userData: file('#cloud-config\nhostname: old\n') })).toEqual(['hostname-conflict']);
  });

  it('a user who is new lets that one in with the key', () => {
    const { user } = seed({ users: [{ name: 'ada', passwordHash: '$6$a$b' }], sshKeys: [ed25519Key] });
    expect(user).toMatchObject({
      users: [
        { name: 'ada', lock_passwd: false, hashed_passwd: '$6$a$b', ssh_authorized_keys: [ed25519Key] },
        { name: 'reswarm' },
      ],
    });
  });

  it.each([
    '#cloud-config\n',
    '#cloud-config\nruncmd: [ls]\n',
    '#cloud-config\nusers:\n',
    '#cloud-config\nusers: []\n',
  ])('a user finds a place in %j', (text) => {
    const { user } = seed({ users: [{ name: 'ada' }] }, { ...base, userData: file(text) });
    expect((user as { users: unknown[] }).users).toContainEqual(expect.objectContaining({ name: 'ada' }));
  });

  it.each([
    '#cloud-config\nusers:\n  - name: ada\n    lock_passwd: true\n    passwd: $6$x$y # old\n  - name: b\n',
    '#cloud-config\nusers: [{name: ada, plain_text_passwd: secret}, {name: b}]\n',
    '#cloud-config\nusers:\n  - name: ada\n  - name: b\n',
  ])('a password changes it in %j', (text) => {
    const identity = { users: [{ name: 'ada', passwordHash: '$6$a$b' }] };
    const { user } = seed(identity, { ...base, userData: file(text) });
    expect(user).toEqual({
      users: [{ name: 'ada', lock_passwd: false, hashed_passwd: '$6$a$b' }, { name: 'b' }],
    });
  });

  it('a time zone, an instance-id and a fixed address has them', () => {
    const { user, meta, network } = seed({
      timezone: 'Europe/Berlin',
      instanceId: 'i-7',
      network: { addresses: ['10.0.0.7/24'], gateway: '10.0.0.1', nameservers: ['10.0.0.2'] },
    });
    expect(user).toMatchObject({ timezone: 'Europe/Berlin' });
    expect(meta).toEqual({ 'instance-id': 'i-7' });
    expect(network).toEqual({
      version: 2,
      ethernets: {
        wired: {
          match: { name: 'e*' },
          dhcp4: false,
          optional: true,
          addresses: ['10.0.0.7/24'],
          routes: [{ to: 'default', via: '10.0.0.1' }],
          nameservers: { addresses: ['10.0.0.2'] },
        },
      },
    });
  });
});

describe('Wi-Fi', () => {
  const wifi = [{ ssid: 'on', password: 'correct horse', country: 'DE' }];
  const key = wifiKey('on', 'correct horse');

  it.each([
    ['the default', base.networkConfig],
    ['one below "network:"', file('# mine\nnetwork:\n    version: 2\n    ethernets: {eth0: {dhcp4: true}}\n')],
    ['one that is off', file('network: {config: disabled}\n')],
    ['none', undefined],
  ])('is worked into %s, as a key', (_, networkConfig) => {
    const { userData, metaData } = base;
    const over = { userData, metaData, ...(networkConfig === undefined ? {} : { networkConfig }) };
    const { network } = seed({ wifi }, over);
    const inner = ((network as { network?: unknown }).network ?? network) as object;
    expect(inner).toMatchObject({
      version: 2,
      wifis: { wlan0: { 'regulatory-domain': 'DE', 'access-points': { on: { password: key } } } },
    });
    const text = seedOf({ wifi }, over).files.networkConfig?.text ?? '';
    expect(text).not.toContain('correct horse');
    for (const line of networkConfig?.text.split('\n').filter((one) => one.startsWith('#')) ?? []) {
      expect(text).toContain(line);
    }
    expect(seedOf({ wifi }, { ...base, networkConfig: file(text) }).files.networkConfig?.text).toBe(text);
  });

  it('replaces the networks that were there', () => {
    const first = seedOf({ wifi }, base).files;
    const { network } = seed({ wifi: [{ ssid: 'b' }] }, first);
    expect(network).toMatchObject({ wifis: { wlan0: { 'regulatory-domain': 'DE', 'access-points': { b: {} } } } });
  });

  // wpa_passphrase of wpa_supplicant gives the same.
  it.each([
    ['IEEE', 'password', 'f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e'],
    ['ThisIsASSID', 'ThisIsAPassword', '0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af'],
  ])('turns the passphrase of %s into the key of IEEE 802.11i', (ssid, password, expected) => {
    expect(wifiKey(ssid, password)).toBe(expected);
    expect(wifiKey(ssid, expected)).toBe(expected);
  });
});

describe('networks of other kinds', () => {
  const points = (identity: DeviceIdentity): unknown =>
    (seed(identity).network as { wifis: { wlan0: Record<string, unknown> } }).wifis.wlan0['access-points'];

  it('are several, each with its own key', () => {
    const wifi = [{ ssid: 'a', password: 'correct horse' }, { ssid: 'b' }];
    expect(points({ wifi })).toEqual({ a: { password: wifiKey('a', 'correct horse') }, b: {} });
  });

  it('are joined by WPA3 with the passphrase itself', () => {
    expect(points({ wifi: [{ ssid: 'a', password: 'correct horse', wpa3: true }] })).toEqual({
      a: { auth: { 'key-management': 'sae', password: 'correct horse' } },
    });
  });

  it('are those of an enterprise, with an account', () => {
    const wifi = [{ ssid: 'a', password: 'x', account: { identity: 'ada@example.org', caCertificate: '/etc/ca.pem' } }];
    expect(points({ wifi })).toEqual({
      a: {
        auth: {
          'key-management': 'eap',
          method: 'peap',
          identity: 'ada@example.org',
          password: 'x',
          'phase2-auth': 'MSCHAPV2',
          'ca-certificate': '/etc/ca.pem',
        },
      },
    });
  });

  it('whose name holds a backslash have it doubled, and the key of the name itself', () => {
    const ssid = '\\o_example\\';
    expect(points({ wifi: [{ ssid, password: 'correct horse' }] })).toEqual({
      '\\\\o_example\\\\': { password: wifiKey(ssid, 'correct horse') },
    });
  });

  it('have fixed addresses on the Wi-Fi, of IPv6 and with routes', () => {
    const network = {
      interface: 'wlan0',
      addresses: ['10.0.0.7/24', 'fd00::7/64'],
      routes: [
        { to: 'default', via: '10.0.0.1' },
        { to: 'default', via: 'fd00::1' },
        { to: '10.1.0.0/16', via: '10.0.0.2' },
      ],
    };
    expect(seed({ wifi: [{ ssid: 'a' }], network }).network).toMatchObject({
      wifis: { wlan0: { dhcp4: false, addresses: network.addresses, routes: network.routes } },
    });
  });

  it('keep DHCP of IPv4 where only IPv6 is fixed', () => {
    const network = { interface: 'eth0', addresses: ['fd00::7/64'] };
    expect(seed({ network }).network).toMatchObject({
      ethernets: { eth0: { dhcp4: true, addresses: ['fd00::7/64'] } },
    });
  });
});

describe('an identity that cannot be', () => {
  const script = { userData: file('#!/bin/sh\n') };
  it.each<[string, DeviceIdentity]>([
    ['hostname-invalid', { hostname: 'a_b' }],
    ['user-name-invalid', { users: [{ name: 'Ada' }] }],
    ['user-name-invalid', { users: [{ name: 'root' }] }],
    ['ssh-key-malformed', { users: [{ name: 'a', sshKeys: ['x'] }] }],
    ['ssh-key-private', { sshKeys: ['-----BEGIN OPENSSH PRIVATE KEY-----'] }],
    ['timezone-invalid', { timezone: 'Berlin' }],
    ['timezone-invalid', { timezone: 'europe/berlin' }],
    ['wifi-ssid-invalid', { wifi: [{ ssid: '' }] }],
    ['wifi-ssid-invalid', { wifi: [{ ssid: 'ü'.repeat(17) }] }],
    ['wifi-password-invalid', { wifi: [{ ssid: 'a', password: 'short' }] }],
    ['wifi-password-invalid', { wifi: [{ ssid: 'a', password: 'with breaks\r\n' }] }],
    ['wifi-password-invalid', { wifi: [{ ssid: 'a', password: '0'.repeat(64), wpa3: true }] }],
    ['wifi-password-invalid', { wifi: [{ ssid: 'a', wpa3: true }] }],
    ['wifi-password-invalid', { wifi: [{ ssid: 'a', account: { identity: 'a' } }] }],
    ['wifi-password-invalid', { wifi: [{ ssid: 'a', password: 'x', account: { identity: 'a"b' } }] }],
    ['identity-needs-network-v2', { wifi: [{ ssid: 'a' }], networkConfig: file('version: 1\nconfig: []\n') }],
    ['identity-needs-cloud-config', { ...script, users: [{ name: 'a' }] }],
    ['identity-needs-cloud-config', { ...script, timezone: 'UTC' }],
    ['identity-users-form', { users: [{ name: 'a' }], userData: file('#cloud-config\nusers: {b: true}\n') }],
  ])('%s: %j', (code, identity) => {
    const { problems } = seedOf(identity, base);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(JSON.stringify(problems)).not.toMatch(/short|with breaks/);
  });
});

describe('passwords', () => {
  // Made by openssl passwd -6.
  it.each([
    [
      'Hello world!',
      'saltstring',
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'ü'.repeat(40),
      'a/.Z',
      '$6$a/.Z$Xs4xQMVsCD6USMTjCAOI6EuYsCreuv7E4j/Oxa5PBH5f7m87PtDAxqu2d2wDM5Mp8P.x9g7QP5334uipV1OOj1',
    ],
  ])('are hashed as crypt does', (password, salt, expected) => {
    expect(sha512Crypt(password, salt)).toBe(expected);
  });

  it('get a salt of their own each time, unless the same password is there already', () => {
    const fresh = passwordHasher([]);
    const first = fresh('secret');
    expect(fresh('secret')).not.toBe(first);
    const again = passwordHasher([`users: [{hashed_passwd: '${first}'}]`]);
    expect(again('secret')).toBe(first);
    expect(again('other')).not.toBe(first);
    expect(first).not.toContain('secret');
  });

  it('leave the identity as hashes', () => {
    const identity = hashPasswords({ users: [{ name: 'a', password: 'secret' }, { name: 'b' }] }, () => '$6$a$b');
    expect(identity.users).toEqual([{ name: 'a', passwordHash: '$6$a$b' }, { name: 'b' }]);
  });
});
