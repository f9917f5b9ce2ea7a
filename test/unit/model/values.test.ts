import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignUp, formatSize, MiB, parseSize } from '../../../src/model/bytes.js';
import { formatCommand } from '../../../src/model/command.js';
import { formatDuration } from '../../../src/model/duration.js';
import { canonicalJson } from '../../../src/model/json.js';
import { sandboxed } from '../../../src/model/sandbox.js';
import { diffKeys, formatKeyChange } from '../../../src/pipeline/explain.js';

describe('sizes', () => {
  it.each([
    ['512', 512],
    ['64M', 64 * MiB],
    ['64 MiB', 64 * MiB],
    ['1.5G', 1536 * MiB],
    ['1k', 1024],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'M', '-1M', '64X', '1e3', '0x10'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [345.4 * MiB, '345 MiB'],
    [1023 * MiB, '1023 MiB'],
    [1.21 * 1024 * MiB, '1.21 GiB'],
  ])('shows %d bytes as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it('aligns upwards, by less than one unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 24 }), (value, unit) => {
        const aligned = alignUp(value, unit);
        expect(aligned % unit).toBe(0);
        expect(aligned - value).toBeGreaterThanOrEqual(0);
        expect(aligned - value).toBeLessThan(unit);
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    [400, '0.4 s'],
    [12_300, '12 s'],
    [59_700, '1 min 0 s'],
    [663_000, '11 min 3 s'],
  ])('shows %d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe('canonical JSON', () => {
  it('is the same whatever the order of the keys', () => {
    expect(canonicalJson({ b: [1, { d: 1, c: null }], a: 'x' })).toBe(
      canonicalJson({ a: 'x', b: [1, { c: null, d: 1 }] }),
    );
  });

  it('leaves undefined out and reads back as the same value', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value as never))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('commands', () => {
  it('are shown as a shell would need them', () => {
    expect(formatCommand({ file: 'mkfs.fat', args: ['-n', 'MY BOOT', "it's", ''] })).toBe(
      `mkfs.fat -n 'MY BOOT' 'it'\\''s' ''`,
    );
  });

  it('run in a sandbox without network, with the root read-only, unless asked otherwise', () => {
    const { file, args } = sandboxed({ root: '/tools' }, { file: 'sfdisk', args: ['-J', 'x'] }, 'root');
    expect(file).toBe('bwrap');
    expect(args.slice(0, 3)).toEqual(['--ro-bind', '/tools', '/']);
    expect(args).toContain('--unshare-net');
    expect(args.slice(-4)).toEqual(['--', 'sfdisk', '-J', 'x']);
  });

  it('run as root of a user namespace for ordinary users', () => {
    const { file, args } = sandboxed({ root: '/tools', network: true }, { file: 'true', args: [] }, 'user-namespace');
    expect(file).toBe('unshare');
    expect(args).toContain('--map-auto');
    expect(args).not.toContain('--unshare-net');
  });
});

describe('an explanation', () => {
  it('names the paths that differ, and nothing else', () => {
    const before = { input: { options: { VETH: 'm', NET: 'y' }, version: '1' } };
    const after = { input: { options: { VETH: 'y', NET: 'y', TUN: 'm' }, version: '1' } };
    expect(diffKeys(before, after).map(formatKeyChange)).toEqual([
      'input.options.TUN: (none) → m',
      'input.options.VETH: m → y',
    ]);
  });

  it('is empty for equal keys', () => {
    expect(diffKeys({ a: [1, 2] }, { a: [1, 2] })).toEqual([]);
  });
});
