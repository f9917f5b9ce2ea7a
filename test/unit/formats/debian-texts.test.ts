import { describe, expect, it } from 'vitest';
import { parseStanzas, relationNames } from '../../../src/formats/deb822.js';
import { changelogSince } from '../../../src/formats/debian-changelog.js';
import { readLicences, spdxLicence } from '../../../src/formats/debian-licences.js';
import { compareDebianVersions } from '../../../src/formats/debian-version.js';

describe('versions of Debian packages', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0~rc1', '1.0', -1],
    ['1.0~~', '1.0~', -1],
    ['1:0.1', '2.0', 1],
    ['2.41-12+deb13u4', '2.41-12+deb13u5', -1],
    ['1.2-3', '1.2-3+b1', -1],
    ['1.10', '1.9', 1],
    ['1.0a', '1.0+', -1],
    ['6.12.118-1', '6.12.118-1~bpo12+1', 1],
    ['20250410-2', '20250410-10', -1],
    ['1.0.00001', '1.0.1', 0],
    ['99999999999999999999', '99999999999999999998', 1],
  ])('%s against %s', (a, b, expected) => {
    expect(Math.sign(compareDebianVersions(a, b))).toBe(expected);
    expect(Math.sign(compareDebianVersions(b, a))).toBe(expected === 0 ? 0 : -expected);
  });
});

describe('control files', () => {
  it('keeps continuation lines and leaves comments out', () => {
    const [first, second] = parseStanzas('# x\nPackage: a\nDescription: one\n two\n\nPackage: b\n');
    expect(first?.get('Description')).toBe('one\n two');
    expect(second?.get('Package')).toBe('b');
  });

  it('reads relations without versions and architectures', () => {
    expect(relationNames('libc6 (>= 2.38), a:any | b [arm64],')).toEqual([['libc6'], ['a', 'b']]);
  });
});

describe('changelogs', () => {
  const text = [
    'glibc (2.41-12+deb13u2) trixie-security; urgency=high\n\n  * CVE-2026-0001: x\n\n -- A <a@b>  Mon\n',
    'glibc (2.41-12+deb13u1) trixie; urgency=medium\n\n  * CVE-2025-9999\n\n -- A <a@b>  Mon\n',
  ].join('\n');

  it('has the entries since a version only', () => {
    expect(changelogSince(text, '2.41-12+deb13u1')).toEqual([
      { version: '2.41-12+deb13u2', urgency: 'high', cves: ['CVE-2026-0001'] },
    ]);
    expect(changelogSince(text, undefined)).toHaveLength(2);
  });
});

describe('licences', () => {
  it.each([
    ['GPL-2+', 'GPL-2.0-or-later'],
    ['GPL-2', 'GPL-2.0-only'],
    ['LGPL-2.1+', 'LGPL-2.1-or-later'],
    ['GPL', 'GPL-1.0-or-later'],
    ['GPL-3+ with Autoconf exception', 'GPL-3.0-or-later WITH Autoconf-exception-2.0'],
    ['Expat', 'MIT'],
    ['BSD-3-clause', 'BSD-3-Clause'],
    ['AGPL-1', undefined],
    ['GPL-2+ with a strange permission', undefined],
    ['custom', undefined],
  ])('%s is %s', (name, id) => {
    expect(spdxLicence(name)).toBe(id);
  });

  it('takes every licence of a machine-readable file and names those without an id', () => {
    const text = [
      'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
      '\nFiles: *\nLicense: GPL-2+ and Expat',
      '\nFiles: x\nLicense: strange\n text',
    ].join('\n');
    expect(readLicences(text)).toEqual({ spdx: ['GPL-2.0-or-later', 'MIT'], others: ['strange'], by: 'fields' });
  });

  it('goes by the references of free text, and says nothing where there are none', () => {
    const text = 'under version 2, or (at your option) any later\nversion: see /usr/share/common-licenses/GPL-2.';
    expect(readLicences(text)).toEqual({ spdx: ['GPL-2.0-or-later'], others: [], by: 'references' });
    expect(readLicences('Do as you like.')).toBeUndefined();
  });
});
