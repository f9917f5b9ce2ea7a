import { describe, expect, it } from 'vitest';
import {
  addressKey,
  isInNetwork,
  isIpAddress,
  isNetworkOrBroadcast,
  parseInterfaceAddress,
} from '../../../src/model/ip-address.js';

function parsed(text: string) {
  const address = parseInterfaceAddress(text);
  if (address === undefined) throw new Error(`${text} is none`);
  return address;
}

describe('an address', () => {
  it.each(['192.168.1.10', '0.0.0.0', 'fd00::10', '::', '::ffff:10.0.0.1', 'fe80::1%eth0'])('may be %s', (text) => {
    expect(isIpAddress(text)).toBe(true);
  });

  it.each(['127.1', '0x7f000001', '192.168.1', '010.0.0.1', '1.2.3.256', 'fd00:::1', '', 'host', '10.0.0.1/8'])(
    'is not %j',
    (text) => {
      expect(isIpAddress(text)).toBe(false);
    },
  );

  it('is the same however it is written', () => {
    const keys = ['fd00::1', 'FD00:0::1', 'fd00:0:0:0:0:0:0:1', 'fd00::0.0.0.1'].map(addressKey);
    expect(new Set(keys).size).toBe(1);
    expect(addressKey('10.0.0.1')).not.toBe(addressKey('10.0.0.2'));
    expect(addressKey('fe80::1%eth0')).not.toBe(addressKey('fe80::2%eth0'));
  });
});

describe('the address of an interface', () => {
  it.each(['192.168.1.10/24', '10.0.0.1/32', '10.0.0.1/0', 'fd00::10/64', 'fd00::1/128'])('may be %s', (text) => {
    expect(parseInterfaceAddress(text)?.prefixLength).toBe(Number(text.split('/')[1]));
  });

  it.each([
    '10.0.0.1',
    '10.0.0.1/33',
    'fd00::1/129',
    '10.0.0.1/24/8',
    '10.1/8',
    '10.0.0.1/',
    '10.0.0.1/-1',
    'fe80::1%eth0/64',
    '10.0.0.1/2x',
  ])('is not %j', (text) => {
    expect(parseInterfaceAddress(text)).toBeUndefined();
  });

  it.each([
    ['192.168.1.1', '192.168.1.10/24', true],
    ['192.168.2.1', '192.168.1.10/24', false],
    ['10.255.0.1', '10.0.0.1/8', true],
    ['10.0.0.129', '10.0.0.1/25', false],
    ['8.8.8.8', '10.0.0.1/0', true],
    ['fd00::ff', 'fd00::10/64', true],
    ['fd00:0:0:1::ff', 'fd00::10/64', false],
    ['fd00::ff', '192.168.1.10/24', false],
    ['192.168.1.1', 'fd00::10/0', false],
  ])('%s in the network of %s: %s', (other, own, expected) => {
    expect(isInNetwork(other, parsed(own))).toBe(expected);
  });

  it.each([
    ['192.168.1.0/24', true],
    ['192.168.1.255/24', true],
    ['192.168.1.1/24', false],
    ['10.0.0.4/30', true],
    ['10.0.0.7/30', true],
    ['10.0.0.5/30', false],
    ['10.0.0.0/31', false],
    ['10.0.0.1/32', false],
    ['0.0.0.0/0', true],
    ['fd00::/64', false],
  ])('%s names the network or all of it: %s', (text, expected) => {
    expect(isNetworkOrBroadcast(parsed(text))).toBe(expected);
  });
});
