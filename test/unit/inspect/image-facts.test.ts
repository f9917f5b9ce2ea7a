import { describe, expect, it } from 'vitest';
import { parseDpkgStatus, parseOsRelease } from '../../../src/formats/dpkg-status.js';
import type { FileEntry } from '../../../src/formats/file-system/file-entry.js';
import { formatMode, normalPath } from '../../../src/formats/file-system/file-entry.js';
import { folderSizes, largeFolders } from '../../../src/inspect/folder-sizes.js';
import { fatMountPoint } from '../../../src/formats/fstab.js';
import { crc32c } from '../../../src/formats/ext4/crc32c.js';

describe('parseDpkgStatus', () => {
  it('takes installed packages only, and the first line of a description', () => {
    const text =
      'Package: bash\nStatus: install ok installed\nInstalled-Size: 7000\nVersion: 5.2-1\nArchitecture: arm64\nDescription: GNU shell\n more words\n\n' +
      'Package: old\nStatus: deinstall ok config-files\nVersion: 1\n\n' +
      'Package: half\nStatus: install ok half-installed\nVersion: 1\n\n' +
      'Package: held\nStatus: hold ok installed\nVersion: 2\n';
    expect(parseDpkgStatus(text)).toMatchObject([
      { name: 'bash', version: '5.2-1', declaredBytes: 7_168_000, summary: 'GNU shell' },
      { name: 'held', version: '2', declaredBytes: 0 },
    ]);
    expect(parseDpkgStatus('')).toEqual([]);
  });
});

it('parseOsRelease reads quoted and bare values', () => {
  const text = 'NAME="Debian GNU/Linux"\nID=debian\n# a comment\nVERSION_ID=\'13\'\n\nodd line\n';
  expect(parseOsRelease(text)).toEqual({ NAME: 'Debian GNU/Linux', ID: 'debian', VERSION_ID: '13' });
});

it.each([
  ['file', 0o4755, '-rwsr-xr-x'],
  ['file', 0o4644, '-rwSr--r--'],
  ['folder', 0o1777, 'drwxrwxrwt'],
  ['file', 0o2711, '-rwx--s--x'],
  ['link', 0o777, 'lrwxrwxrwx'],
] as const)('formatMode writes a %s of mode %o as ls does', (kind, mode, expected) => {
  expect(formatMode({ kind, owner: { mode, uid: 0, gid: 0 } })).toBe(expected);
});

it.each([
  ['a//b/./c/', '/a/b/c'],
  ['/../../etc', '/etc'],
  ['', '/'],
  ['/a/../b', '/b'],
])('normalPath makes %j %j', (path, expected) => {
  expect(normalPath(path)).toBe(expected);
});

it.each([
  ['PARTUUID=1-01 /boot vfat defaults 0 2', '/boot'],
  ['# /x vfat\nPARTUUID=1-01  /boot/firmware  vfat  defaults  0 2', '/boot/firmware'],
  ['/dev/sda1 / ext4 defaults 0 1', undefined],
  ['tmpfs / vfat', undefined],
  ['', undefined],
])('fatMountPoint of %j is %j', (fstab, expected) => {
  expect(fatMountPoint(fstab)).toBe(expected);
});

it('crc32c is the one that ext4 uses', () => {
  // The check value of CRC-32C, which is inverted at its end.
  expect((crc32c(Buffer.from('123456789')) ^ 0xffffffff) >>> 0).toBe(0xe3069283);
});

describe('folderSizes', () => {
  const entry = (path: string, kind: FileEntry['kind'], diskBytes: number, links = 1, id = 0): FileEntry => {
    return {
      path,
      kind,
      sizeBytes: diskBytes,
      diskBytes,
      modifiedSeconds: 0,
      owner: { mode: 0, uid: 0, gid: 0 },
      links,
      id,
    };
  };
  const entries = [
    entry('/', 'folder', 4),
    entry('/a', 'folder', 4),
    entry('/a/b', 'folder', 4),
    entry('/a/b/file', 'file', 100, 2, 9),
    entry('/a/same', 'file', 100, 2, 9),
    entry('/c', 'folder', 4),
    entry('/c/file', 'file', 1),
  ];

  it('adds up what lies below, a file of two names once', () => {
    expect(folderSizes(entries)).toEqual([
      { path: '/', diskBytes: 117, files: 2 },
      { path: '/a', diskBytes: 108, files: 1 },
      { path: '/a/b', diskBytes: 104, files: 1 },
      { path: '/c', diskBytes: 5, files: 1 },
    ]);
  });

  it('leaves small ones out and keeps the order of a tree', () => {
    expect(largeFolders(folderSizes(entries), 0.1).map(({ path }) => path)).toEqual(['/', '/a', '/a/b']);
  });
});
