import { describe, expect, it } from 'vitest';
import type { TarEntry } from '../../../src/formats/tar/tar-tree.js';
import { applyLayer, treeDifference } from '../../../src/formats/tar/tree-difference.js';

const folder: TarEntry = { type: '5', mode: 0o755, uid: 0, gid: 0 };
const file = (content: string, more: Partial<TarEntry> = {}): TarEntry => {
  return { type: '0', mode: 0o644, uid: 0, gid: 0, sizeBytes: content.length, sha256: content, ...more };
};
const tree = (entries: Record<string, TarEntry>) => new Map(Object.entries({ '': folder, ...entries }));

describe('treeDifference', () => {
  it('has what is new with the folders above it, and nothing else', () => {
    const below = tree({ etc: folder, 'etc/a': file('a'), usr: folder });
    const above = tree({ etc: folder, 'etc/a': file('a'), 'etc/b': file('b'), usr: folder });
    expect(treeDifference(below, above)).toEqual({ present: ['', 'etc', 'etc/b'], changed: ['etc/b'], removed: [] });
  });

  it.each<[string, Partial<TarEntry>]>([
    ['mode', { mode: 0o600 }],
    ['owner', { uid: 1 }],
    ['group', { gid: 1 }],
    ['capability', { xattrs: { 'security.capability': '01' } }],
    ['content', { sha256: 'other' }],
  ])('sees another %s', (_, more) => {
    expect(treeDifference(tree({ a: file('x') }), tree({ a: file('x', more) })).changed).toEqual(['a']);
  });

  it('names the topmost of what is gone, and not what goes with it', () => {
    const below = tree({ a: folder, 'a/b': folder, 'a/b/c': file('c'), 'a/d': file('d') });
    expect(treeDifference(below, tree({ a: folder })).removed).toEqual(['a/b', 'a/d']);
    expect(treeDifference(below, tree({ a: file('now a file') })).removed).toEqual([]);
  });

  it('has all names of a file whose links changed', () => {
    const separate = tree({ a: file('x'), b: file('x') });
    const linked = tree({ a: file('x', { inode: 'a' }), b: file('x', { inode: 'a' }) });
    expect(treeDifference(separate, linked).changed).toEqual(['a', 'b']);
    expect(treeDifference(linked, separate).changed).toEqual(['a', 'b']);
    expect(treeDifference(linked, linked).changed).toEqual([]);
  });
});

it('a layer with a file over a folder hides what was in the folder', () => {
  const below = tree({ a: folder, 'a/b': file('b') });
  expect(applyLayer(below, { entries: tree({ a: file('x') }), removed: [] })).toEqual(tree({ a: file('x') }));
});
