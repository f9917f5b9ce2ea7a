import { describe, expect, it } from 'vitest';
import { cellsOf, childOf, readDeviceTree, textsOf } from '../../../src/formats/device-tree.js';
import { deviceTreeBytes } from '../../helpers/device-tree-bytes.js';

const SMALL = deviceTreeBytes({
  properties: { compatible: 'raspberrypi,4-model-b\0brcm,bcm2711\0', '#address-cells': [2] },
  children: {
    'mmc@7e340000': { properties: { status: 'disabled\0', dmas: [7, 11] }, children: {} },
    soc: { properties: {}, children: { gpio: { properties: { 'gpio-controller': '' }, children: {} } } },
  },
});

describe('readDeviceTree', () => {
  it('gives names, properties and children as the file has them', () => {
    const root = readDeviceTree(SMALL);
    if (root === undefined) throw new Error('not read');
    expect(root.name).toBe('');
    expect(textsOf(root, 'compatible')).toEqual(['raspberrypi,4-model-b', 'brcm,bcm2711']);
    expect(cellsOf(root, '#address-cells')).toEqual([2]);
    expect(root.children.map(({ name }) => name)).toEqual(['mmc@7e340000', 'soc']);
    const mmc = childOf(root, 'mmc@7e340000');
    expect(mmc && [textsOf(mmc, 'status'), cellsOf(mmc, 'dmas')]).toEqual([['disabled'], [7, 11]]);
    expect(childOf(root, 'soc')?.children[0]?.properties.has('gpio-controller')).toBe(true);
  });

  it('has nothing where a property is missing', () => {
    const root = readDeviceTree(SMALL);
    expect(root && [textsOf(root, 'model'), cellsOf(root, 'phandle')]).toEqual([[], []]);
  });

  it.each(['a', 'ab', 'abc', 'abcd', 'm\u00fc', '\u00fc\u00fc\u00fc', '\u00e9\u00e8\u00ea\u00eb'])(
    'finds what is behind a node called "%s" and behind a value as long',
    (name) => {
      const inner = { properties: { first: name, second: [7] }, children: {} };
      const bytes = deviceTreeBytes({ properties: {}, children: { [name]: inner, last: inner } });
      const root = readDeviceTree(bytes);
      expect(root?.children.map((child) => child.name)).toEqual([name, 'last']);
      for (const child of root?.children ?? []) {
        expect(Buffer.from(child.properties.get('first') ?? []).toString('latin1')).toBe(name);
        expect(cellsOf(child, 'second')).toEqual([7]);
      }
    },
  );

  it('counts from the beginning of the structure block, wherever that is', () => {
    const [header, rest] = [Buffer.from(SMALL.subarray(0, 40)), SMALL.subarray(40)];
    for (const at of [4, 8, 12]) header.writeUInt32BE(header.readUInt32BE(at) + 2, at);
    const root = readDeviceTree(Buffer.concat([header, Buffer.alloc(2), rest]));
    expect(root?.children.map(({ name }) => name)).toEqual(['mmc@7e340000', 'soc']);
  });

  it('reads one that begins somewhere in a larger buffer', () => {
    const shifted = Buffer.concat([Buffer.from('abc'), SMALL]).subarray(3);
    expect(readDeviceTree(shifted)?.children).toHaveLength(2);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('/dts-v1/; / { };'.padEnd(64))],
    ['one that is cut off', SMALL.subarray(0, -4)],
  ])('refuses %s', (_, bytes) => {
    expect(readDeviceTree(bytes)).toBeUndefined();
  });

  it('refuses every damaged one or reads it, and never throws', () => {
    for (let offset = 0; offset < SMALL.length; offset += 1) {
      const damaged = Buffer.from(SMALL);
      damaged[offset] = 0xff;
      expect(() => readDeviceTree(damaged)).not.toThrow();
    }
  });
});
