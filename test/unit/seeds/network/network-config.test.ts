import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../../../src/errors.js';
import { checkNetworkConfig } from '../../../../src/seeds/network/network-config.js';
import type { Findings } from '../../../../src/seeds/text/findings.js';

const check = (text: string): Findings => checkNetworkConfig({ file: 'network-config', text });
const places = (text: string): string[] =>
  check(text).problems.map(({ code, line, column }) => `${code} ${line}:${column}`);

const WIFI = `network:
  version: 2
  renderer: networkd
  ethernets:
    eth0: {dhcp4: true, optional: true}
  wifis:
    wlan0:
      dhcp4: yes
      optional: true
      regulatory-domain: DE
      access-points:
        "Café & Bar":
          password: "correct horse"
          hidden: true
          band: 5GHz
          channel: 36
        office:
          auth: {key-management: eap, method: peap, identity: me, password: x, phase2-auth: MSCHAPV2}
        open: {}
`;

describe('network-config version 2', () => {
  it.each([
    ['Wi-Fi with a password, enterprise and open networks', WIFI],
    ['the same without "network:"', WIFI.replace('network:\n', '').replaceAll(/^ {2}/gm, '')],
    ['what cloud-init takes as off', 'network: {config: disabled}\n'],
    [
      'a static address',
      'version: 2\nethernets: {eth0: {addresses: [10.0.0.2/24, "fe80::1/64"], routes: [{to: default, via: 10.0.0.1}], nameservers: {addresses: [10.0.0.1], search: [lan]}}}\n',
    ],
    [
      'bonds, bridges, VLANs',
      'version: 2\nethernets: {a: {}, b: {}}\nbonds: {bond0: {interfaces: [a, b], parameters: {mode: active-backup, primary: a}}}\nbridges: {br0: {interfaces: [bond0], parameters: {stp: false}}}\nvlans: {v10: {id: 10, link: br0}}\n',
    ],
  ])('takes %s', (_, text) => {
    expect(check(text)).toEqual({ problems: [], warnings: [] });
  });

  it.each([
    [WIFI.replace('access-points', 'access-point'), 'unknown-key 11:7'],
    [WIFI.replace('password: "correct', 'pasword: "correct'), 'unknown-key 13:11'],
    [WIFI.replace('wifis:', 'wifi:'), 'unknown-key 6:3'],
    [WIFI.replace('correct horse', 'short'), 'invalid-value 13:21'],
    [WIFI.replace('"correct horse"', '012345670123'), 'yaml-value-changed 13:21'],
    [WIFI.replace('band: 5GHz', 'band: 6GHz'), 'invalid-value 15:17'],
    [WIFI.replace('DE', 'Germany'), 'invalid-value 10:26'],
    [WIFI.replace('dhcp4: yes', 'dhcp4: maybe'), 'wrong-type 8:14'],
    [WIFI.replace('networkd', 'networkmanager'), 'invalid-value 3:13'],
    [WIFI.replace('eth0', '"e*"'), 'invalid-value 5:5'],
    ['version: 2\nethernets: {eth0: {addresses: [10.0.0.2]}}\n', 'invalid-value 2:32'],
    ['version: 2\nbridges: {br0: {interfaces: [eth7]}}\n', 'network-unknown-device 2:30'],
    ['version: "2"\n', 'network-version 1:10'],
    ['version: 3\n', 'network-version 1:10'],
    ['ethernets: {}\n', 'network-version 1:1'],
    ['network:\n', 'network-empty 1:1'],
    ['# nothing\n', 'network-empty 1:1'],
    ['version: 2\nethernets:\n\teth0: {}\n', 'yaml-tab 3:1'],
    ['\uFEFFversion: 2\n', 'seed-bom 1:1'],
  ])('refuses %j', (text, expected) => {
    expect(places(text)).toEqual([expected]);
  });

  it('says which key was meant', () => {
    expect(check(WIFI.replace('access-points', 'acess-points')).problems[0]?.hint).toBe(
      'Did you mean "access-points"?',
    );
  });

  it('warns about Wi-Fi without a country and about gateways of old', () => {
    const text = 'version: 2\nwifis:\n  w: {access-points: {a: {}}}\nethernets: {e: {gateway4: 10.0.0.1}}\n';
    expect(check(text).warnings.map(({ code, line }) => `${code} ${line}`)).toEqual([
      'wifi-no-country 3',
      'deprecated-key 4',
    ]);
  });

  it.each(['01234567012345', 'kurz', '[a]'])('never shows a Wi-Fi password, here %s', (password) => {
    const found = check(WIFI.replace('"correct horse"', password)).problems;
    expect(found).toHaveLength(1);
    expect(found.map((problem) => describeProblem(problem) + (problem.hint ?? '')).join()).not.toContain(password);
  });
});
