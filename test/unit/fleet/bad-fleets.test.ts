import { describe, expect, it } from 'vitest';
import { fleetProblems } from '../../../src/fleet/definition/unique-values.js';
import { readFleet } from '../../../src/fleet/definition/read-fleet.js';
import type { Problem } from '../../../src/errors.js';
import { flockText, useFolder } from '../../helpers/fleet-texts.js';

const folder = useFolder();

async function problemsOf(name: string, text: string | Buffer): Promise<readonly Problem[]> {
  const { fleet, problems } = await readFleet(await folder.write(name, text));
  return [...problems, ...fleetProblems(fleet.devices)];
}

const short = ({ code, line, column }: Problem): string => `${line ?? '-'}:${column ?? '-'} ${code}`;

describe('a bad YAML fleet', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['nothing', '', ['-:- fleet-empty']],
    ['comments only', '# devices\n', ['-:- fleet-empty']],
    ['no mapping', '- name: a\n', ['1:1 wrong-type']],
    ['no devices', 'defaults: {}\n', ['1:1 missing-key']],
    ['an empty list', 'devices: []\n', ['1:10 invalid-value']],
    ['a device without a name', 'devices:\n  - name: a\n  - hostname: b\n', ['3:5 missing-key']],
    ['a key that is mistyped', 'devices:\n  - name: a\n    hostnme: b\n', ['3:5 unknown-key']],
    ['a key below that is mistyped', 'devices:\n  - name: a\n    wifi: {sid: x}\n', ['3:12 unknown-key']],
    ['a key at the top that is mistyped', 'device:\n  - name: a\n', ['1:1 unknown-key']],
    ['a number for a name', 'devices:\n  - name: 12\n', ['2:11 wrong-type']],
    ['digits for a name', 'devices:\n  - name: "12"\n', ['2:11 invalid-value']],
    ['an underscore in a name', 'devices:\n  - name: gate_1\n', ['2:11 invalid-value']],
    ['a name that leaves the folder', 'devices:\n  - name: ../etc\n', ['2:11 invalid-value']],
    ['a host name with a space', 'devices:\n  - {name: a, hostname: "a b"}\n', ['2:25 hostname-invalid']],
    ['the same name twice', 'devices:\n  - name: a\n  - name: A\n', ['3:11 fleet-duplicate-name']],
    [
      'the same host name twice',
      'devices:\n  - {name: a}\n  - {name: b, hostname: a}\n',
      ['3:25 fleet-duplicate-hostname'],
    ],
    [
      'the same instance-id twice',
      'devices:\n  - {name: a, instance-id: x}\n  - {name: b, instance-id: x}\n',
      ['3:28 fleet-duplicate-instance-id'],
    ],
    [
      'the same serial twice',
      'devices:\n  - {name: a, serial: x1}\n  - {name: b, serial: X1}\n',
      ['3:23 fleet-duplicate-serial'],
    ],
    [
      'the same MAC address, written in two ways',
      'devices:\n  - {name: a, mac: "dc:a6:32:00:00:0a"}\n  - {name: b, mac: DC-A6-32-00-00-0A}\n',
      ['3:20 fleet-duplicate-mac'],
    ],
    [
      'the same address with two prefix lengths',
      'devices:\n  - {name: a, network: {address: 10.0.0.2/24}}\n  - {name: b, network: {address: 10.0.0.2/16}}\n',
      ['3:34 fleet-duplicate-address'],
    ],
    [
      'the same IPv6 address, written in two ways',
      'devices:\n  - {name: a, network: {address: "fd00::2/64"}}\n  - {name: b, network: {address: "FD00:0:0::0002/64"}}\n',
      ['3:34 fleet-duplicate-address'],
    ],
    ['an address without a prefix', 'devices:\n  - {name: a, network: {address: 10.0.0.2}}\n', ['2:34 invalid-value']],
    [
      'an address that is the gateway',
      'defaults: {network: {gateway: 10.0.0.1}}\ndevices:\n  - {name: a, network: {address: 10.0.0.1/24}}\n',
      ['3:34 fleet-address-unusable'],
    ],
    [
      'a broadcast address',
      'devices:\n  - {name: a, network: {address: 10.0.0.255/24}}\n',
      ['2:34 fleet-address-unusable'],
    ],
    [
      'a gateway outside of the network',
      'defaults:\n  network: {gateway: 10.0.1.1}\ndevices:\n  - {name: a, network: {address: 10.0.0.2/24}}\n',
      ['2:22 fleet-gateway-unreachable'],
    ],
    [
      'a gateway without an address',
      'devices:\n  - {name: a, network: {gateway: 10.0.0.1}}\n',
      ['2:34 fleet-gateway-without-address'],
    ],
    [
      'an IPv6 address of another device, in whatever key',
      'devices:\n  - {name: a, network: {address: fd00::1/64}}\n  - {name: b, network: {address6: FD00:0::1/64}}\n',
      ['3:35 fleet-duplicate-address'],
    ],
    [
      'one address in two keys',
      'devices:\n  - {name: a, network: {address: fd00::1/64, address6: "fd00:0::1/64"}}\n',
      ['2:56 fleet-duplicate-address'],
    ],
    ['an IPv4 address for IPv6', 'devices:\n  - {name: a, network: {address6: 10.0.0.2/24}}\n', ['2:35 invalid-value']],
    [
      'a gateway of IPv6 outside of the network',
      'devices:\n  - {name: a, network: {address: 10.0.0.2/24, address6: "fd00::2/64", gateway6: "fd01::1"}}\n',
      ['2:81 fleet-gateway-unreachable'],
    ],
    [
      'a gateway of IPv6 without an address',
      'devices:\n  - {name: a, network: {address: 10.0.0.2/24, gateway6: "fd01::1"}}\n',
      ['2:57 fleet-gateway-unreachable'],
    ],
    [
      'two gateways of IPv6',
      'devices:\n  - {name: a, network: {address6: "fd00::2/64", gateway: "fd00::1", gateway6: "fd00::1"}}\n',
      ['2:58 fleet-values-conflict'],
    ],
    [
      'an address that is the gateway of another device',
      'devices:\n  - {name: a, network: {address6: fd00::2/64, gateway6: fd00::1}}\n  - {name: b, network: {address6: fd00::1/64}}\n',
      ['3:35 fleet-address-unusable'],
    ],
    [
      'routes that are none',
      'devices:\n  - {name: a, network: {address: 10.0.0.2/24, routes: ["10.1.0.0/16", "10.1.0.0/16,10.0.0.300", "fd00::/8,10.0.0.1"]}}\n',
      ['2:56 invalid-value', '2:71 invalid-value', '2:97 invalid-value'],
    ],
    [
      'routes and name servers without an address',
      'devices:\n  - {name: a, network: {routes: ["10.1.0.0/16,10.0.0.1"], dns: [10.0.0.1], interface: wlan0}}\n',
      [
        '2:33 fleet-network-without-address',
        '2:64 fleet-network-without-address',
        '2:87 fleet-network-without-address',
      ],
    ],
    [
      'a method that no account can have',
      'devices:\n  - {name: a, wifi-2: {ssid: x, identity: me, eap-method: tls}}\n',
      ['2:59 invalid-value'],
    ],
    [
      'a password for a hash',
      'devices:\n  - {name: a, user: {name: u, password-hash: hunter22}}\n',
      ['2:46 invalid-value'],
    ],
    ['a country in words', 'devices:\n  - {name: a, wifi: {ssid: x, country: Germany}}\n', ['2:40 invalid-value']],
    ['a file without a target', 'devices:\n  - {name: a, files: [logo.png]}\n', ['2:23 invalid-value']],
    [
      'an unknown placeholder',
      'defaults:\n  hostname: gate-{name}\n  flock: "{nmae}.flock"\ndevices: [{name: a}]\n',
      ['3:10 fleet-unknown-placeholder'],
    ],
    ['the same key twice', 'devices:\n  - name: a\n    name: b\n', ['3:5 yaml-duplicate-key']],
    ['a tab', 'devices:\n\t- name: a\n', ['2:1 yaml-tab']],
    ['a list that is not there', 'defaults: {}\ndevices: gates.csv\n', ['2:10 fleet-not-found']],
    ['a thing that only one device can have', 'defaults: {serial: x}\ndevices: [{name: a}]\n', ['1:12 unknown-key']],
  ];

  it.each(cases)('with %s is refused at its place', async (_, text, expected) => {
    expect((await problemsOf('fleet.yaml', text)).map(short)).toEqual(expected);
  });

  it('never shows a secret', async () => {
    const text =
      'devices:\n  - {name: a, wifi: {ssid: x, passphrase: hush}, user: {name: u, password-hash: hushhush}}\n';
    expect(JSON.stringify(await problemsOf('fleet.yaml', text))).not.toContain('hush');
  });

  it('says which key was meant', async () => {
    expect(await problemsOf('f.yaml', 'devices:\n  - {name: a, wifi: {ssid: x, pasphrase: y}}\n')).toMatchObject([
      { hint: 'Did you mean "passphrase"?' },
    ]);
  });

  it('says whose a double value is, and where that stands', async () => {
    const text = 'devices:\n  - {name: a, serial: x1}\n  - {name: b}\n  - {name: c, serial: x1}\n';
    expect(await problemsOf('f.yaml', text)).toMatchObject([
      { message: 'c: the serial x1 belongs to a already, line 2' },
    ]);
  });
});

describe('a bad CSV fleet', () => {
  const cases: readonly (readonly [string, string | Buffer, readonly string[]])[] = [
    ['nothing', '', ['1:1 csv-empty']],
    ['a header only', 'name,serial\n', ['2:1 csv-empty']],
    ['no header', 'gate-1,10.0.0.2/24\ngate-2,10.0.0.3/24\n', ['1:1 csv-no-header']],
    ['an unknown column', 'name,adress\na,x\n', ['1:6 csv-unknown-column']],
    ['no column for the name', 'hostname,serial\na,1\n', ['1:1 csv-missing-column']],
    ['a mistyped column for the name', 'nam,serial\na,1\n', ['1:1 csv-unknown-column']],
    ['a column twice', 'name,serial,serial\na,1,2\n', ['1:13 csv-duplicate-column']],
    ['a row that ends early', 'name,serial,mac\na,1,dc:a6:32:00:00:0a\nb,2\n', ['3:1 csv-cell-count']],
    ['a row with too much in it', 'name,serial\na,1\nb,2,3\n', ['3:5 csv-cell-count']],
    ['a value below no title', 'name,\na,1\n', ['2:3 csv-cell-count']],
    ['a row without a name', 'name,serial\na,1\n,2\n', ['3:1 missing-key']],
    ['the same address twice', 'name,network.address\na,10.0.0.2/24\nb,10.0.0.2/24\n', ['3:3 fleet-duplicate-address']],
    [
      'a wrong address behind quotes',
      '"name";"timezone";"network.address"\n"a";"x; y";"10.0.0.2"\n',
      ['2:12 invalid-value'],
    ],
    ['a quote that is not closed', 'name,serial\na,"1\nb,2\n', ['2:3 csv-quote']],
    ['a wrong value after a cell of two lines', 'name,ssh-keys,mac\na,"k1.pub\nk2.pub",x\n', ['3:9 invalid-value']],
    ['umlauts of Windows', Buffer.from('name;serial\na;1\nb;M\xfcnchen\n', 'latin1'), ['3:1 fleet-not-text']],
    ['UTF-16', Buffer.from('\ufeffname\r\na\r\n', 'utf16le'), ['-:- fleet-not-text']],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004\u0000\u0000'), ['-:- fleet-not-text']],
  ];

  it.each(cases)('with %s is refused at its place', async (_, text, expected) => {
    expect((await problemsOf('fleet.csv', text)).map(short)).toEqual(expected);
  });

  it('names the row as a spreadsheet does, and what is missing in it', async () => {
    const text = 'name,serial,mac\na,1,dc:a6:32:00:00:0a\n\nb,2\n,3,dc:a6:32:00:00:0b\n';
    const messages = (await problemsOf('fleet.csv', text)).map(({ message }) => message);
    expect(messages).toEqual(['row 4 ends early: "mac" is missing', 'row 5: "name" is missing']);
  });

  it('says which column was meant', async () => {
    expect(await problemsOf('fleet.csv', 'name,wifi.sid\na,x\n')).toMatchObject([
      { hint: 'Did you mean "wifi.ssid"?' },
    ]);
  });
});

describe('a bad folder of .flock files', () => {
  it('is refused when there is none in it', async () => {
    await folder.write('flocks/readme.txt', 'x');
    const { problems } = await readFleet(`${folder.path}/flocks`);
    expect(problems.map(short)).toEqual(['-:- fleet-empty']);
  });

  it('is refused with the file and the field that is missing', async () => {
    await folder.write('flocks/a.flock', flockText('gate-1', 1));
    await folder.write('flocks/b.flock', flockText('gate-2', 2, { serial_number: undefined, secret: '' }));
    const { problems } = await readFleet(`${folder.path}/flocks`);
    expect(
      problems.map(({ code, file, message }) => [
        code,
        file?.split('/').at(-1),
        message.includes('"serial_number"') || message.includes('"secret"'),
      ]),
    ).toEqual([
      ['flock-missing-field', 'b.flock', true],
      ['flock-missing-field', 'b.flock', true],
    ]);
  });

  it('is refused when two files are the same device', async () => {
    await folder.write('flocks/a.flock', flockText('gate-1', 1));
    await folder.write('flocks/b.flock', flockText('gate-1', 1));
    const { fleet, problems } = await readFleet(`${folder.path}/flocks`);
    expect(problems).toEqual([]);
    expect(fleetProblems(fleet.devices)).toMatchObject([{ code: 'fleet-duplicate-name' }]);
  });
});

describe('a path', () => {
  it('that leads nowhere is refused', async () => {
    expect((await readFleet(`${folder.path}/none.yaml`)).problems).toMatchObject([{ code: 'fleet-not-found' }]);
  });
});
