import { describe, expect, it } from 'vitest';
import { configChanges, contradicted, formatFragment } from '../../../../src/sources/kernel/config-change.js';
import { parseFragment, parseResolvedConfig } from '../../../../src/sources/kernel/fragments.js';

const before = parseResolvedConfig('CONFIG_NET=y\nCONFIG_WIREGUARD=m\nCONFIG_LOG=14\n');
const after = parseResolvedConfig('CONFIG_NET=y\nCONFIG_CAN=m\nCONFIG_LOG=16\nCONFIG_HAVE_CAN=y\n');
const changes = configChanges(before, after, (name) => name !== 'CONFIG_HAVE_CAN');

describe('the changes of a configuration', () => {
  it('are what a person can have set, by name', () => {
    expect(changes).toEqual([
      { name: 'CONFIG_CAN', before: 'n', after: 'm' },
      { name: 'CONFIG_LOG', before: '14', after: '16' },
      { name: 'CONFIG_WIREGUARD', before: 'm', after: 'n' },
    ]);
  });

  it('make a fragment that asks for the new values', () => {
    const text = formatFragment(changes, 'Mine.');
    const { requests, problems } = parseFragment({ file: 'mine.config', text });
    expect(problems).toEqual([]);
    expect(requests.map(({ name, value }) => `${name}=${value}`)).toEqual([
      'CONFIG_CAN=m',
      'CONFIG_LOG=16',
      'CONFIG_WIREGUARD=n',
    ]);
  });

  it('contradict requests for another value', () => {
    const { requests } = parseFragment({ file: 'a.config', text: 'CONFIG_NET=y\nCONFIG_WIREGUARD=m\nCONFIG_CAN=m\n' });
    expect(contradicted(changes, requests).map(({ name, line }) => [name, line])).toEqual([['CONFIG_WIREGUARD', 2]]);
  });
});
