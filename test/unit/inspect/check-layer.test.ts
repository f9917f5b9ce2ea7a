import { describe, expect, it } from 'vitest';
import { checkLayer } from '../../../src/inspect/layers/check-layer.js';
import type { LayerReport } from '../../../src/inspect/layers/layer-file.js';

const chain = ['kernel', 'base', 'base-docker'].map((name, index) => {
  return { name, file: `${name}.sqfs`, sizeBytes: 1, sha256: `${index}`.repeat(64), loose: name === 'kernel' };
});
const saved = (sha256: string) => ({ loose: false, layers: [{ file: 'base.sqfs', sha256 }] });
const layer = (more: Partial<LayerReport> = {}): LayerReport => {
  return {
    file: 'local.sqfs',
    sizeBytes: 1,
    sha256: 'f'.repeat(64),
    paths: ['/etc/x'],
    removed: [],
    strict: [],
    unfit: [],
    ...more,
  };
};
const strict = { strict: ['/var/lib/dpkg/status'] };

describe('checkLayer', () => {
  it.each<[string, Partial<LayerReport>]>([
    ['one that holds files only', {}],
    ['one of the chain', { sha256: '1'.repeat(64), ...strict }],
    ['one that was saved over these layers', { ...strict, over: saved('1'.repeat(64)) }],
  ])('lets %s be loaded', (_, more) => {
    expect(checkLayer(layer(more), chain)).toMatchObject({ may: true, problems: [] });
  });

  it.each<[string, string, Partial<LayerReport>]>([
    ['one with packages that was saved over others', 'layer-over-others', { ...strict, over: saved('9'.repeat(64)) }],
    ['one with packages that says nothing', 'layer-parents-unknown', strict],
    [
      'one with moved folders',
      'layer-attributes-unfit',
      { unfit: [{ path: '/etc', name: 'trusted.overlay.redirect' }] },
    ],
    ['one that no command line could name', 'layer-file-name', { file: 'My Layer.sqfs' }],
  ])('refuses %s', (_, code, more) => {
    const { may, problems } = checkLayer(layer(more), chain);
    expect(may).toBe(false);
    expect(problems.map((one) => one.code)).toEqual([code]);
  });
});
