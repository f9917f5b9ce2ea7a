import { describe, expect, it } from 'vitest';
import { parseHost, quoted } from '../../../../src/fleet/remote/ssh-device.js';
import { parseWave, planWaves } from '../../../../src/fleet/remote/waves.js';

const gates = Array.from({ length: 20 }, (_, index) => index);
const sizes = (...waves: readonly string[]): readonly number[] =>
  planWaves(gates, waves.map(parseWave)).map(({ length }) => length);

describe('waves', () => {
  it('count from the first device on, and the rest is the last one', () => {
    expect(sizes()).toEqual([20]);
    expect(sizes('1', '10%')).toEqual([1, 1, 18]);
    expect(sizes('50%', '100%')).toEqual([10, 10]);
    expect(sizes('99')).toEqual([20]);
    expect(planWaves(gates, ['3', '7'].map(parseWave)).flat()).toEqual(gates);
  });

  it.each(['0', '101%', '-1', 'all', ''])('refuses the size "%s"', (text) => {
    expect(() => parseWave(text)).toThrow(expect.objectContaining({ code: 'wave-invalid' }));
  });

  it('refuses a wave that is smaller than the one before', () => {
    expect(() => sizes('5', '10%')).toThrow(expect.objectContaining({ code: 'wave-order' }));
  });
});

describe('hosts', () => {
  it('have a user and a port where they are named', () => {
    expect(parseHost('ada@gate-1.local:2222')).toMatchObject({ address: 'gate-1.local', user: 'ada', port: 2222 });
    expect(parseHost('[2001:db8::1]:22')).toMatchObject({ address: '2001:db8::1', port: 22 });
  });

  it.each(['-oProxyCommand=id', 'a b', 'gate:0', 'gate:99999', '@gate', 'gate;id'])('refuse "%s"', (text) => {
    expect(() => parseHost(text)).toThrow(expect.objectContaining({ code: 'host-invalid' }));
  });

  it("keep a word one word in the device's shell", () => {
    expect(quoted("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  });
});
