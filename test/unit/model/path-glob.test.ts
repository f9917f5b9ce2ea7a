import { expect, it } from 'vitest';
import { matchesPathGlob } from '../../../src/model/glob.js';

it.each([
  ['/usr/bin/node', '/usr/bin/node', true],
  ['/usr/bin/node', '/usr/bin', true],
  ['/usr/bin/node', '/usr/bin/', true],
  ['/usr/bin/node', '/usr/b', false],
  ['/usr/bin/node', '/usr/*', true],
  ['/usr/bin/node', '/*/node', false],
  ['/usr/bin/node', '/**/node', true],
  ['/usr/bin/node', '/usr/**/node', true],
  ['/usr/node', '/usr/**/node', true],
  ['/usr/lib/a.so.1', '/usr/lib/*.so.?', true],
  ['/usr/lib/a+so.1', '/usr/lib/a+so.1', true],
  ['/usr/lib/axso.1', '/usr/lib/a.so.1', false],
])('%s is meant by %s: %s', (path, glob, expected) => {
  expect(matchesPathGlob(path, glob)).toBe(expected);
});
