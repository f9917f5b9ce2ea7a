import { describe, expect, it } from 'vitest';
import { compareLines, comparePackages, compareSizes } from '../../../src/inspect/image-diff.js';
import type { PackageReport } from '../../../src/inspect/image-report.js';

function item(name: string, version: string): PackageReport {
  return { name, version, architecture: 'arm64', declaredBytes: 0, section: '', summary: '', diskBytes: 0 };
}

describe('comparePackages', () => {
  it('tells what came, went and has another version, by name', () => {
    expect(
      comparePackages(
        [item('b', '1'), item('a', '1'), item('c', '1')],
        [item('d', '2'), item('b', '2'), item('c', '1')],
      ),
    ).toEqual({
      added: [{ name: 'd', version: '2' }],
      removed: [{ name: 'a', version: '1' }],
      changed: [{ name: 'b', first: '1', second: '2' }],
    });
  });
});

describe('compareLines', () => {
  it.each([
    [['a', 'b'], ['b', 'a'], [], []],
    [['a', 'a', 'b'], ['a', 'b'], ['a'], []],
    [['a'], ['c', 'a', 'd'], [], ['c', 'd']],
    [['x=1'], ['x=2'], ['x=1'], ['x=2']],
  ])('%j and %j differ by %j and %j', (first, second, removed, added) => {
    expect(compareLines(first, second)).toEqual({ removed, added });
  });
});

describe('compareSizes', () => {
  it('puts the largest change first and leaves out what is the same', () => {
    const first = new Map([
      ['same', 5],
      ['less', 100],
      ['gone', 7],
    ]);
    const second = new Map([
      ['same', 5],
      ['less', 40],
      ['new', 9],
    ]);
    expect(compareSizes(first, second)).toEqual([
      { name: 'less', firstBytes: 100, secondBytes: 40 },
      { name: 'new', firstBytes: 0, secondBytes: 9 },
      { name: 'gone', firstBytes: 7, secondBytes: 0 },
    ]);
  });
});
