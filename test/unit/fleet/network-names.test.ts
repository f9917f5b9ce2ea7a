import { describe, expect, it } from 'vitest';
import type { FleetDevice } from '../../../src/fleet/definition/fleet.js';
import { networkNames } from '../../../src/fleet/network-names.js';

function device(name: string, values: { serial?: string; mac?: string }): FleetDevice {
  const place = () => ({ file: 'fleet.yaml', line: 1, column: 1 });
  return { name, values: { name, ...values }, has: ([key]) => Object.hasOwn(values, String(key)), place };
}

describe('the folder of a device', () => {
  it.each([
    [{ serial: '100000001a2b3c4d' }, '1a2b3c4d'],
    [{ serial: '1A2B3C4D' }, '1a2b3c4d'],
    [{ serial: '0x1a2b3c4d', mac: 'dc:a6:32:01:02:03' }, '1a2b3c4d'],
    [{ serial: 'shelf-7', mac: 'DC:A6:32:01:02:03' }, 'dc-a6-32-01-02-03'],
    [{ mac: 'dc-a6-32-01-02-03' }, 'dc-a6-32-01-02-03'],
  ])('of a Raspberry Pi with %j is %s', (values, folder) => {
    const { names, problems } = networkNames([device('gate', values)], 'arm64');
    expect(problems).toEqual([]);
    expect(names.get('gate')).toEqual([folder]);
  });

  it('of a PC is its MAC address', () => {
    const pc = device('gate', { serial: '1a2b3c4d', mac: '52:54:00:aa:bb:01' });
    expect(networkNames([pc], 'amd64').names.get('gate')).toEqual(['52-54-00-aa-bb-01']);
  });

  it.each([
    ['arm64', {}],
    ['arm64', { serial: 'shelf-7' }],
    ['amd64', { serial: '1a2b3c4d' }],
  ] as const)('is not known on %s with %j', (architecture, values) => {
    const { problems } = networkNames([device('gate', values)], architecture);
    expect(problems.map(({ problem }) => problem.code)).toEqual(['fleet-device-without-network-name']);
  });

  it('belongs to one device', () => {
    const two = [device('a', { serial: '100000001a2b3c4d' }), device('b', { serial: '200000001a2b3c4d' })];
    const { problems } = networkNames(two, 'arm64');
    expect(problems.map(({ problem }) => problem.code)).toEqual(['fleet-duplicate-network-name']);
    expect(problems[0]?.problem.message).toContain('a');
  });
});
