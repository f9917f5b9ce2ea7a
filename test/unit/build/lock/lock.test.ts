import { describe, expect, it } from 'vitest';
import { diffLocks } from '../../../../src/build/lock/lock-diff.js';
import type { ImageLock, LockedDeb } from '../../../../src/build/lock/lock-file.js';
import { allDebs, formatLock, parseLock } from '../../../../src/build/lock/lock-file.js';
import { lockedPackages, lockedSources, lockedTools } from '../../../../src/build/lock/locked-nodes.js';
import { withReasons } from '../../../../src/build/lock/reasons.js';
import { whyPackage } from '../../../../src/build/lock/why-package.js';
import type { PackageControl } from '../../../../src/sources/debian/package-controls.js';
import { poolUrls, withMirrorFirst } from '../../../../src/sources/debian/apt-sources.js';

const digest = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);

function deb(name: string, more: Partial<LockedDeb> = {}): LockedDeb {
  const filename = `pool/main/x/${name}.deb`;
  const pinned = { name, version: '1', architecture: 'arm64', filename, sizeBytes: 10, sha256: digest(name) };
  return { ...pinned, why: ['layer base'], ...more };
}

function lockOf(install: readonly LockedDeb[], more: Partial<ImageLock> = {}): ImageLock {
  return {
    format: 1,
    version: '0.1.0',
    board: 'rpi4',
    system: 'debian',
    options: { board: 'rpi4' },
    hostArchitecture: 'amd64',
    asOf: '2026-11-28T00:00:00.000Z',
    tools: { suite: 'trixie', archives: [], debs: [deb('gcc', { architecture: 'amd64' })] },
    packages: [
      {
        request: { packages: ['a', 'b'], suite: 'trixie' },
        archives: ['deb http://example.org/debian trixie main'],
        suite: 'trixie',
        architecture: 'arm64',
        install: [...install],
        essential: [],
        twins: [],
        fetched: [],
      },
    ],
    sources: [],
    downloads: [],
    files: [],
    ...more,
  };
}

const inUse = (lock: ImageLock) => ({ lock, path: 'x.lock.json', mirror: undefined });

describe('a lock file', () => {
  it('is read as it was written', () => {
    const lock = lockOf([deb('a')]);
    expect(parseLock(formatLock(lock), 'x')).toEqual(lock);
  });

  it.each([
    ['no JSON', '{'],
    ['something else', '{"format":1}'],
    ['a path that climbs out', formatLock(lockOf([deb('a', { filename: '../../etc/passwd' })]))],
    ['an absolute path', formatLock(lockOf([deb('a', { filename: '/etc/passwd' })]))],
    ['a name with a slash', formatLock(lockOf([deb('a', { name: '../a' })]))],
    ['a digest that is none', formatLock(lockOf([deb('a', { sha256: 'abc' })]))],
  ])('is refused: %s', (_, text) => {
    expect(() => parseLock(text, 'x')).toThrow(expect.objectContaining({ code: 'lock-invalid' }));
  });

  it('answers the question that it was made for, and no other', () => {
    const lock = lockOf([deb('a')]);
    expect(lockedPackages({ suite: 'trixie', packages: ['a', 'b'] }, {}, inUse(lock)).kind).toBe('value');
    const ask = () => lockedPackages({ suite: 'trixie', packages: ['a', 'vim'] }, {}, inUse(lock));
    expect(ask).toThrow(expect.objectContaining({ code: 'lock-outdated' }));
    expect(ask).toThrow(
      expect.objectContaining({
        details: [
          'packages: vim is asked for, and is not in the lock',
          'packages: b is in the lock, and nobody asks for it',
        ],
      }),
    );
    expect(() => lockedSources(['busybox'], inUse(lock))).toThrow(expect.objectContaining({ code: 'lock-outdated' }));
    expect(() => lockedTools(inUse(lock), 'arm64')).toThrow(expect.objectContaining({ code: 'lock-other-host' }));
  });

  it('names each package file once', () => {
    expect(allDebs(lockOf([deb('a'), deb('a')])).map(({ name }) => name)).toEqual(['gcc', 'a']);
  });
});

describe('what changes between locks', () => {
  it('is nothing for the same lock', () => {
    expect(diffLocks(lockOf([deb('a')]), lockOf([deb('a')]))).toEqual([]);
  });

  it('names what is new, gone, newer, and the same version with other bytes', () => {
    const before = lockOf([deb('a'), deb('b'), deb('c')]);
    const after = lockOf([
      deb('b', { version: '2', sha256: digest('b2'), sizeBytes: 15 }),
      deb('c', { sha256: digest('c2') }),
      deb('d'),
    ]);
    expect(
      diffLocks(before, after).map(({ name, before: from, after: to, sameVersion }) => [name, from, to, sameVersion]),
    ).toEqual([
      ['a', '1', undefined, undefined],
      ['b', '1', '2', undefined],
      ['c', '1', '1', true],
      ['d', undefined, '1', undefined],
    ]);
  });
});

describe('why a package is there', () => {
  const control = (name: string, depends: string[][] = [], more: Partial<PackageControl> = {}): PackageControl => {
    return { name, isEssential: false, installedBytes: 100, provides: [], depends, ...more };
  };
  const controls = [
    control('a', [['mail-server', 'x']]),
    control('exim', [['libc']], { provides: ['mail-server'] }),
    control('libc', [], { isEssential: true }),
    control('lonely'),
  ];
  const reasons = withReasons(
    controls.map(({ name }) => deb(name)),
    controls,
    new Map([['a', ['--packages']]]),
  );

  it('is who asked for it, or the package that needs it, over names that others provide too', () => {
    expect(Object.fromEntries(reasons.map(({ name, why }) => [name, why]))).toEqual({
      a: ['--packages'],
      exim: ['needed by a'],
      libc: ['essential in Debian'],
      lonely: ['needed by a package that apt chose'],
    });
  });

  it('has the way to it, and what would go with it', () => {
    const [reason] = whyPackage(lockOf(reasons), 'exim');
    expect(reason).toMatchObject({
      path: ['a', 'exim'],
      askedBy: ['--packages'],
      neededBy: ['a'],
      onlyForIt: ['exim'],
    });
    expect(whyPackage(lockOf(reasons), 'a')[0]?.onlyForIt).toEqual(['a', 'exim']);
    expect(whyPackage(lockOf(reasons), 'libc')[0]?.neededBy).toEqual(['exim']);
  });

  it('suggests a name for one that is not there', () => {
    expect(() => whyPackage(lockOf(reasons), 'exxim')).toThrow(
      expect.objectContaining({ code: 'package-not-locked', hints: ['Did you mean "exim"?'] }),
    );
  });
});

describe('where a locked file is looked for', () => {
  const archives =
    'deb http://example.org/debian trixie main\ndeb http://security.example.org/debian-security trixie-security main\n';

  it('is a pool before all archives, for security updates too', () => {
    const sources = withMirrorFirst(archives, 'file:///srv/pool');
    expect(poolUrls(sources, 'pool/main/a.deb')[0]).toBe('file:///srv/pool/pool/main/a.deb');
    expect(poolUrls(sources, 'pool/updates/main/a.deb')[0]).toBe('file:///srv/pool/pool/updates/main/a.deb');
  });

  it('is the archive of a day, and its security archive', () => {
    const sources = withMirrorFirst(archives, 'https://snapshot.example.org/archive/debian/20261128T000000Z');
    expect(poolUrls(sources, 'pool/updates/main/a.deb')[0]).toBe(
      'https://snapshot.example.org/archive/debian-security/20261128T000000Z/pool/updates/main/a.deb',
    );
    expect(poolUrls(sources, 'pool/main/a.deb')[0]).toBe(
      'https://snapshot.example.org/archive/debian/20261128T000000Z/pool/main/a.deb',
    );
  });
});
