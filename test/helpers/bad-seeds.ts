import { cutKey, ed25519Key } from './seed-keys.js';

export type BadSeed = {
  readonly kind: 'user-data' | 'meta-data' | 'network-config';
  readonly text: string;
  readonly code: string;
  readonly line: number;
  /** Shown and let pass, unless `--strict` is given. */
  readonly warning?: true;
};

const user = (text: string, code: string, line: number): BadSeed => ({ kind: 'user-data', text, code, line });
const config = (text: string, code: string, line: number): BadSeed => user(`#cloud-config\n${text}\n`, code, line);
const meta = (text: string, code: string, line: number): BadSeed => ({ kind: 'meta-data', text, code, line });
const net = (text: string, code: string, line: number): BadSeed => ({
  kind: 'network-config',
  text: `version: 2\n${text}\n`,
  code,
  line,
});
const net1 = (text: string, code: string, line: number): BadSeed => ({
  kind: 'network-config',
  text: `version: 1\nconfig:\n${text}\n`,
  code,
  line,
});
const onlyWarned = (seed: BadSeed): BadSeed => ({ ...seed, warning: true });

const WIFI = 'wifis:\n  wlan0:\n    regulatory-domain: DE\n    access-points:\n';

/** What people really write, and where it must be found. */
export const BAD_SEEDS: readonly BadSeed[] = [
  // The first line
  user('hostname: x\n', 'seed-no-header', 1),
  user('\n# mine\nhostname: x\n', 'seed-no-header', 2),
  user('# comment\n#cloud-config\nhostname: x\n', 'seed-no-header', 1),
  user('# cloud-config\nhostname: x\n', 'seed-no-header', 1),
  user('---\n#cloud-config\nhostname: x\n', 'seed-marker-first', 1),
  user('\uFEFF#cloud-config\nhostname: x\n', 'seed-bom', 1),
  user('{"hostname": "x"}\n', 'seed-no-header', 1),
  onlyWarned(user('Nothing but prose.\n', 'seed-ignored', 1)),
  // YAML
  config('users:\n\t- name: x', 'yaml-tab', 3),
  config('users:\n  - name: x\n   shell: y', 'yaml-syntax', 4),
  config('runcmd: [a, b\nhostname: x', 'yaml-syntax', 3),
  config('hostname: "x', 'yaml-syntax', 3),
  config('- a', 'wrong-type', 2),
  config('hostname: a\n---\nhostname: b', 'yaml-many-documents', 4),
  onlyWarned(config('runcmd: [a]\nhostname: x\nruncmd: [b]', 'yaml-duplicate-key', 4)),
  onlyWarned(user('#cloud-config\r\nhostname: x\r\n', 'seed-crlf', 1)),
  // Keys that are none, or belong elsewhere
  config('hostnme: x', 'unknown-key', 2),
  config('runcmd: []\nenable_ssh: true', 'key-belongs-elsewhere', 3),
  config('wifis: {}', 'key-belongs-elsewhere', 2),
  config('network: {version: 2}', 'key-belongs-elsewhere', 2),
  config('instance-id: x', 'key-belongs-elsewhere', 2),
  config('rpi:\n  enable_usb_gadget: yes please', 'wrong-type', 3),
  config('rpi:\n  interfaces:\n    i2s: true', 'unknown-key', 4),
  config('rpi:\n  interfaces:\n    serial: {consol: true}', 'unknown-key', 4),
  onlyWarned(config('rpi:\n  interfaces: {i2c: true}', 'rpi-not-here', 2)),
  onlyWarned(config('datasource_list: [NoCloud]', 'image-setting', 2)),
  config('manual_cache_clean: true', 'unknown-key', 2),
  config('timezone: Europe/Berln', 'timezone-invalid', 2),
  // Names
  config('hostname: 12345', 'wrong-type', 2),
  config('hostname: "12345"', 'hostname-invalid', 2),
  config('hostname: my_device', 'hostname-invalid', 2),
  config('hostname: -a', 'hostname-invalid', 2),
  config(`hostname: ${'x'.repeat(64)}`, 'hostname-invalid', 2),
  // Users, passwords, keys
  config('users:\n  - nmae: x', 'unknown-key', 3),
  config('users:\n  - name: x\n    ssh_pwauth: true', 'unknown-key', 4),
  config('users:\n  - name: x\n    chpasswd: {expire: false}', 'unknown-key', 4),
  config('users:\n  - name: x\n    passwd: secret', 'seed-password-not-a-hash', 4),
  config('users:\n  - name: x\n    hashed_passwd: secret', 'seed-password-not-a-hash', 4),
  config('users:\n  - name: x\n    plain_text_passwd: 12345678', 'wrong-type', 4),
  onlyWarned(config('users:\n  - name: x\n    plain_text_passwd: secret', 'seed-clear-text-password', 4)),
  onlyWarned(
    config('chpasswd:\n  users:\n    - {name: x, type: text, password: secret}', 'seed-clear-text-password', 4),
  ),
  config('password: $y$j9T$abc$def', 'seed-password-form', 2),
  config('users:\n  - name: x\n    plain_text_passwd: a\n    hashed_passwd: $6$a$b', 'seed-password-form', 4),
  config('ssh_authorized_keys:\n  - ssh-dss AAAAB3NzaC1kc3M= me', 'ssh-key-type', 3),
  config(`ssh_authorized_keys:\n  - ${ed25519Key}\n  - ${cutKey}`, 'ssh-key-malformed', 4),
  config('ssh_authorized_keys:\n  - hello', 'ssh-key-malformed', 3),
  config('ssh_authorized_keys:\n  - "-----BEGIN OPENSSH PRIVATE KEY-----"', 'ssh-key-private', 3),
  // Files and commands
  config('write_files:\n  - path: /x\n    permissions: 0644', 'wrong-type', 4),
  config('write_files:\n  - path: /x\n    content: "#!/bin/sh\\r\\necho\\r\\n"', 'crlf-in-script', 4),
  config(
    `write_files:\n  - path: /x\n    encoding: b64\n    content: ${Buffer.from('#!/bin/sh\r\ntrue\r\n').toString('base64')}`,
    'crlf-in-script',
    5,
  ),
  config('runcmd:\n  - ls\n  - "ls\\r"', 'crlf-in-script', 4),
  config('runcmd: ls', 'wrong-type', 2),
  config('power_state: {mode: rebot}', 'invalid-value', 2),
  // meta-data
  meta('', 'meta-data-no-instance-id', 1),
  meta('local-hostname: x\n', 'meta-data-no-instance-id', 1),
  meta('instance_id: x\n', 'unknown-key', 1),
  meta('instance-id: 42\n', 'wrong-type', 1),
  meta('instance-id: x\nlocal-hostname: a_b\n', 'hostname-invalid', 2),
  meta('instance-id: x\nlocal-hostname: 7\n', 'wrong-type', 2),
  meta('instance-id: x\ndsmode: locale\n', 'invalid-value', 2),
  onlyWarned(meta('instance-id: x\nseedfrom: http://192.0.2.1/\n', 'seed-read-elsewhere', 2)),
  onlyWarned(meta('instance-id: x\ninstance-id: y\n', 'yaml-duplicate-key', 2)),
  // network-config
  { kind: 'network-config', text: 'ethernets: {}\n', code: 'network-version', line: 1 },
  { kind: 'network-config', text: 'version: "2"\n', code: 'network-version', line: 1 },
  { kind: 'network-config', text: 'network:\n', code: 'network-empty', line: 1 },
  { kind: 'network-config', text: '\uFEFFversion: 2\n', code: 'seed-bom', line: 1 },
  net('ethernets:\n  eth0:\n    dhcp: true', 'unknown-key', 4),
  net('ethernets:\n  "e*":\n    dhcp4: true', 'invalid-value', 3),
  net('ethernets:\n  eth0:\n    addresses: [10.0.0.2]', 'invalid-value', 4),
  net('ethernets:\n  eth0:\n    addresses: [10.0.0.300/24]', 'address-invalid', 4),
  net('ethernets:\n  eth0:\n    addresses: [10.0.0.2/33]', 'address-invalid', 4),
  net('ethernets:\n  eth0:\n    nameservers: {addresses: [dns.lan]}', 'address-invalid', 4),
  net('ethernets:\n  eth0:\n    access-points: {a: {}}', 'unknown-key', 4),
  net(
    'ethernets:\n  a:\n    match: {macaddress: "b8:27:eb:00:00:01"}\n  b:\n    match: {macaddress: "B8:27:EB:00:00:01"}',
    'network-duplicate-mac',
    6,
  ),
  net('ethernets:\n  a: {addresses: [10.0.0.2/24]}\n  b: {addresses: [10.0.0.2/24]}', 'network-duplicate-address', 4),
  net('bridges:\n  br0:\n    interfaces: [eth7]', 'network-unknown-device', 4),
  onlyWarned(net('ethernets:\n  eth0:\n    addresses: [10.0.0.2/24]\n    gateway4: 10.0.0.1', 'deprecated-key', 5)),
  onlyWarned(
    net(
      'ethernets:\n  eth0:\n    addresses: [10.0.0.2/24]\n    routes: [{to: default, via: 10.1.0.1}]',
      'gateway-outside',
      5,
    ),
  ),
  net('wifi: {}', 'unknown-key', 2),
  net(`${WIFI}      a: {pasword: abcdefgh}`, 'unknown-key', 6),
  net(`${WIFI}      a: {password: short}`, 'invalid-value', 6),
  net(`${WIFI}      a: {password: "${'x'.repeat(64)}"}`, 'invalid-value', 6),
  net(`${WIFI}      a: {password: 01234567}`, 'invalid-value', 6),
  net(`${WIFI}      "${'x'.repeat(33)}": {}`, 'invalid-value', 6),
  net(`${WIFI}      a: {mode: ap}`, 'wifi-ap-mode', 6),
  net(`${WIFI}      a: {band: 6GHz}`, 'invalid-value', 6),
  net('wifis:\n  wlan0: {dhcp4: true}', 'missing-key', 3),
  net('wifis:\n  wlan0: {regulatory-domain: Germany, access-points: {a: {}}}', 'invalid-value', 3),
  onlyWarned(net('wifis:\n  wlan0: {access-points: {a: {}}}', 'wifi-no-country', 3)),
  net1('  - type: physical\n    name: eth0\n    subnets: [{type: static, address: 10.0.0.2}]', 'address-invalid', 5),
  net1('  - type: physical\n    name: eth0\n    subnets: [{type: static, address: 10.0.0.2/40}]', 'address-invalid', 5),
  net1(
    '  - {type: physical, name: a, mac_address: "b8:27:eb:00:00:01"}\n  - {type: physical, name: b, mac_address: "b8:27:eb:00:00:01"}',
    'network-duplicate-mac',
    4,
  ),
  net1('  - type: phisical\n    name: eth0', 'invalid-value', 3),
];
