import { describe, expect, it } from 'vitest';
import { overlayProblems } from '../../../src/formats/config-txt-overlays.js';
import { readDeviceTree } from '../../../src/formats/device-tree.js';
import type { TreeToWrite } from '../../helpers/device-tree-bytes.js';
import { deviceTreeBytes } from '../../helpers/device-tree-bytes.js';

function tree(name: string, children: TreeToWrite['children']) {
  const root = readDeviceTree(deviceTreeBytes({ properties: {}, children }));
  if (root === undefined) throw new Error('not read');
  return { name, root };
}

const node = (properties: TreeToWrite['properties'] = {}, children: TreeToWrite['children'] = {}) => ({
  properties,
  children,
});
const names = (...all: string[]) => node(Object.fromEntries(all.map((name) => [name, '/x\0'])));

const PI4 = tree('bcm2711-rpi-4-b.dtb', {
  soc: node({}, { 'i2c@7e804000': node() }),
  __symbols__: names('i2c1', 'bt'),
});
const CM3 = tree('bcm2837-rpi-cm3-io3.dtb', { soc: node(), __symbols__: names('i2c1') });
const BARE = tree('bare.dtb', { soc: node() });
const DOWNSTREAM = tree('bcm2710-rpi-3-b.dtb', {
  __symbols__: names('i2c1'),
  __overrides__: node({ audio: 'x\0', spi: 'x\0', phandle: [1] }),
});

const I2C1 = tree('i2c1', { 'fragment@0': node(), __fixups__: names('i2c1') });
const BT = tree('disable-bt', { __fixups__: names('bt', 'i2c1') });
const TYPO = tree('typo', { __fixups__: names('i2c-1') });
const PATH = tree('path', {
  'fragment@0': node({ 'target-path': '/soc/i2c\0' }),
  __overrides__: node({ speed: 'x\0' }),
});
const EXPORTS = tree('exports', { __exports__: names('mine'), __symbols__: names('mine', 'hidden') });
const USES = tree('uses', { __fixups__: names('mine') });
const HIDDEN = tree('hidden', { __fixups__: names('hidden') });
const overlays = [I2C1, BT, TYPO, PATH, EXPORTS, USES, HIDDEN];

function found(trees: readonly (typeof PI4)[], ...lines: string[]): string[] {
  return overlayProblems([{ filter: 'all', lines }], { trees, overlays }).map(
    ({ index, problem }) => `${index} ${problem.code}`,
  );
}

describe('overlayProblems', () => {
  it.each<[string, (typeof PI4)[], string[], string[]]>([
    ['an overlay whose labels are there', [PI4], ['dtoverlay=i2c1'], []],
    ['one that fits one of the device trees', [CM3, PI4], ['dtoverlay=disable-bt'], []],
    ['one that fits none', [CM3], ['dtoverlay=disable-bt'], ['0 device-tree-overlay-unfit']],
    ['a label that is misspelt', [PI4, CM3], ['arm_64bit=1', 'dtoverlay=typo'], ['1 device-tree-overlay-unfit']],
    ['device trees without labels', [BARE], ['dtoverlay=i2c1'], ['0 device-tree-overlay-unfit']],
    ['a path, with and without its address', [PI4], ['dtoverlay=path'], []],
    ['a path that is not there', [CM3], ['dtoverlay=path'], ['0 device-tree-overlay-unfit']],
    ['a label that another overlay exports', [PI4], ['dtoverlay=exports', 'dtoverlay=uses'], []],
    ['one that another overlay keeps', [PI4], ['dtoverlay=hidden'], ['0 device-tree-overlay-unfit']],
    ['an overlay that is not there', [PI4], ['dtoverlay=vc4-kms-v3d'], []],
    ['a parameter of an overlay', [PI4], ['dtoverlay=path,speed=4', 'dtparam=speed=5'], []],
    ['one in the other spelling', [PI4], ['dtoverlay=path:speed=4'], []],
    ['one that the overlay does not have', [PI4], ['dtoverlay=path,baud=9600'], ['0 config-txt-no-effect']],
    ['one of several', [PI4], ['dtoverlay=path,speed=1,baud=9600'], ['0 config-txt-no-effect']],
    ['one of an overlay without any', [PI4], ['dtoverlay=i2c1,speed=4'], ['0 config-txt-no-effect']],
    [
      'one in the overlay’s scope that nothing has',
      [PI4],
      ['dtoverlay=path', 'dtparam=audio=on'],
      ['1 config-txt-no-effect'],
    ],
    ['a parameter of the device tree', [DOWNSTREAM], ['dtparam=audio=on', 'dtparam=audio=on,spi'], []],
    ['one in an overlay’s scope', [DOWNSTREAM], ['dtoverlay=i2c1', 'dtparam=audio=on'], []],
    ['one that it does not have', [DOWNSTREAM], ['dtparam=audio=on,uart9=on'], ['0 config-txt-no-effect']],
    ['a device tree without parameters', [PI4], ['dtparam=audio=on'], ['0 config-txt-no-effect']],
    ['the end of a scope', [PI4], ['dtoverlay=path', 'dtoverlay=', 'dtparam=speed=1'], ['2 config-txt-no-effect']],
    [
      'device trees that are not known yet',
      [],
      ['dtoverlay=typo', 'dtparam=a=1', 'dtoverlay=path,b=1'],
      ['2 config-txt-no-effect'],
    ],
  ])('judges %s', (_, trees, lines, expected) => {
    expect(found(trees, ...lines)).toEqual(expected);
  });

  it('says what is missing where, and what would be right', () => {
    const problemOf = (trees: (typeof PI4)[], line: string) =>
      overlayProblems([{ filter: 'pi4', lines: [line] }], { trees, overlays })[0];
    const typo = problemOf([PI4], 'dtoverlay=typo');
    expect(typo).toMatchObject({ filter: 'pi4', line: 'dtoverlay=typo' });
    expect(typo?.problem.message).toContain('the label i2c-1, which is not in bcm2711-rpi-4-b.dtb');
    expect(typo?.problem.hint).toContain('i2c1');
    expect(problemOf([BARE], 'dtoverlay=i2c1')?.problem.hint).toContain('dtc -@');
    expect(problemOf([PI4], 'dtoverlay=path,baud=1')?.problem.hint).toContain('speed');
  });
});
