import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkNetworkConfig } from '../../../src/seeds/network/network-config.js';

/**
 * What the way of a device says of each text: PyYAML, cloud-init 25.1.4's netplan renderer, and netplan 1.1.2's
 * generator on what that wrote (`rendered`). The generator is asked again in test/integration/seed-cloud-init.test.ts.
 */
type Verdict = {
  readonly name: string;
  readonly text: string;
  readonly device: 'takes' | 'refuses';
  readonly codes: readonly string[];
  readonly warnings: readonly string[];
};
const verdicts = JSON.parse(readFileSync('test/fixtures/netplan/verdicts.json', 'utf8')) as readonly Verdict[];

/** netplan takes these, and the device does not do what is written. */
const STRICTER: Readonly<Record<string, string>> = {
  'auth-sae-64hex': 'wpa_supplicant cannot join WPA3 with a key',
  'indent-lost': 'cloud-init drops what stands beside "network"',
  'pw-float': 'another passphrase',
  'wifi-password-hex-number': 'another passphrase',
  'wifi-password-octal-long': 'another passphrase',
  'regdom-lower': 'no country has a code of small letters',
  'regdom-no': 'the country would be "false"',
  'ssid-33': 'wpa_supplicant refuses the whole file',
  'ssid-backslash': 'another SSID',
  'ssid-bool': 'another SSID',
  'ssid-float': 'another SSID',
  'ssid-no': 'another SSID',
  'ssid-null': 'another SSID',
  'ssid-octal': 'another SSID',
  'v1-static-nomask': 'cloud-init guesses a prefix length of 24',
  'v1-netmask-prefix': "against cloud-init's schema, though its code takes it",
};
/** These are found by cloud-init's own schema of version 1, which is not at hand here. */
const BY_SCHEMA = ['v1-flat', 'v1-wifi', 'v1-netmask-prefix'];

describe('a network-config', () => {
  it.each(verdicts.filter(({ name }) => !BY_SCHEMA.includes(name)))(
    '$name: the device $device it, and we say $codes $warnings',
    ({ name, text, device, codes, warnings }) => {
      const found = checkNetworkConfig({ file: name, text });
      expect(found.problems.map(({ code }) => code)).toEqual(codes);
      expect(found.warnings.map(({ code }) => code)).toEqual(warnings);
      expect(codes.length > 0).toBe(device === 'refuses' || name in STRICTER);
    },
  );

  it('has a reason wherever we are stricter than netplan', () => {
    const names = verdicts
      .filter(({ device, codes }) => device === 'takes' && codes.length > 0)
      .map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(STRICTER).toSorted());
  });
});

describe('a backslash in an SSID', () => {
  const wifi = (ssid: string): string =>
    `version: 2\nwifis: {w: {regulatory-domain: DE, access-points: {'${ssid}': {}}}}\n`;
  it.each([
    ['\\o_example\\', 'o_example'],
    ['a\\x41', 'aA'],
    ['caf\\351', 'caf\ufffd'],
  ])('is refused alone, and the message says what the device would look for: %j', (ssid, shown) => {
    const { problems } = checkNetworkConfig({ file: 'x', text: wifi(ssid) });
    expect(problems).toMatchObject([{ code: 'wifi-ssid-backslash' }]);
    expect(problems[0]?.message).toContain(JSON.stringify(shown));
  });

  it('is taken when it is doubled: wpa_supplicant decodes it to one', () => {
    expect(checkNetworkConfig({ file: 'x', text: wifi('\\\\o_example\\\\') })).toEqual({ problems: [], warnings: [] });
  });
});
